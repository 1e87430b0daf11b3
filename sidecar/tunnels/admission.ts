import type { LimitsConfig } from '../config/schema.ts';
import type { Pass } from '../transports/transport.ts';
import type { TunnelCounters } from './counters.ts';

type Stage = 'silent' | 'hello' | 'established';

/** A connection's place under the limits of its tunnel. */
export interface AdmissionPass extends Pass {
  /** How the connection is closed when it has to make room; the listener's way until somebody has a better one. */
  onDrop: () => void;
  /** A complete hello came: it is more than a silent connection. */
  helloCame(): void;
  established(): void;
}

interface Source {
  readonly name: string;
  total: number;
  /** In the order of their arrival. */
  readonly silent: Set<Place>;
  readonly hello: Set<Place>;
}

/** Hellos answered within a second beyond which every further one has to come back with a cookie. */
const HELLOS_PER_SECOND = 200;

/**
 * Who may be connected. Established channels keep their place; when there are too many connections, it is
 * unfinished handshakes that make room: those of the source that has most of them, silent ones before
 * those that said hello, the oldest first. So a flood displaces itself, and an honest client, whose
 * hello follows its SYN at once, is displaced last.
 */
export class Admission {
  readonly #limits: LimitsConfig;
  readonly #counters: TunnelCounters;
  readonly #nowMs: () => number;
  readonly #sources = new Map<string, Source>();
  #total = 0;
  #halfOpen = 0;
  #saidHello = 0;
  /** Sources to look at when the present turn of the event loop is over; undefined: nothing to do. */
  #trimming: Set<Source> | undefined;
  #secondBegan = 0;
  #hellosThisSecond = 0;

  constructor(limits: LimitsConfig, counters: TunnelCounters, nowMs: () => number) {
    this.#limits = limits;
    this.#counters = counters;
    this.#nowMs = nowMs;
  }

  get total(): number {
    return this.#total;
  }

  get halfOpen(): number {
    return this.#halfOpen;
  }

  /** docs/PROTOCOL.md §6.3: hellos are answered with a Retry. */
  get isUnderLoad(): boolean {
    return this.#hellosThisSecond > HELLOS_PER_SECOND || this.#saidHello > this.#limits.handshakes / 4;
  }

  /** A connection that has to prove itself. `drop` closes it when it has to make room. */
  enter(source: string, drop: () => void): AdmissionPass {
    const place = new Place(this.#source(source), drop, this);
    place.source.silent.add(place);
    place.source.total += 1;
    this.#total += 1;
    this.#halfOpen += 1;
    this.#trimSoon(place.source);
    return place;
  }

  /** A connection that has nothing to prove, such as an application's. Undefined: there is no place. */
  enterProven(source: string): Pass | undefined {
    const { connections, connectionsPerSource } = this.#limits;
    if (this.#total >= connections || (this.#sources.get(source)?.total ?? 0) >= connectionsPerSource) {
      this.#counters.refused += 1;
      return undefined;
    }
    const place = new Place(this.#source(source), () => undefined, this);
    place.stage = 'established';
    place.source.total += 1;
    this.#total += 1;
    return place;
  }

  /** For `Place` alone. */
  move(place: Place, to: Stage): void {
    if (place.stage === to || place.hasLeft) return;
    this.#takeFromStage(place);
    place.stage = to;
    if (to === 'established') return;
    place.source[to].add(place);
    this.#halfOpen += 1;
    this.#saidHello += to === 'hello' ? 1 : 0;
    if (to === 'hello') this.#countHello();
  }

  /** For `Place` alone. */
  remove(place: Place): void {
    if (place.hasLeft) return;
    place.hasLeft = true;
    this.#takeFromStage(place);
    place.source.total -= 1;
    this.#total -= 1;
    if (place.source.total === 0) this.#sources.delete(place.source.name);
  }

  #source(name: string): Source {
    let source = this.#sources.get(name);
    if (source === undefined) {
      source = { name, total: 0, silent: new Set(), hello: new Set() };
      this.#sources.set(name, source);
    }
    return source;
  }

  #takeFromStage(place: Place): void {
    if (place.stage === 'established') return;
    place.source[place.stage].delete(place);
    this.#halfOpen -= 1;
    if (place.stage === 'hello') this.#saidHello -= 1;
  }

  #countHello(): void {
    const second = Math.floor(this.#nowMs() / 1000);
    if (second !== this.#secondBegan) {
      this.#secondBegan = second;
      this.#hellosThisSecond = 0;
    }
    this.#hellosThisSecond += 1;
  }

  /** Two turns of the event loop later what has arrived by now has been read: nobody is dropped with a hello in the socket. */
  #trimSoon(source: Source): void {
    if (!this.#isOverShare(source) && !this.#isOverFull) return;
    if (this.#trimming === undefined) setImmediate(() => setImmediate(() => this.#trim()));
    this.#trimming ??= new Set();
    this.#trimming.add(source);
  }

  get #isOverFull(): boolean {
    return this.#total > this.#limits.connections || this.#halfOpen > this.#limits.handshakes;
  }

  #trim(): void {
    const sources = this.#trimming ?? [];
    this.#trimming = undefined;
    for (const source of sources) {
      while (this.#isOverShare(source) && this.#dropOne(source));
    }
    while (this.#isOverFull) {
      const biggest = this.#biggestSource();
      if (biggest === undefined || !this.#dropOne(biggest)) return;
    }
  }

  #isOverShare(source: Source): boolean {
    const { connectionsPerSource, handshakesPerSource } = this.#limits;
    return source.total > connectionsPerSource || halfOpenOf(source) > handshakesPerSource;
  }

  #biggestSource(): Source | undefined {
    let biggest: Source | undefined;
    for (const source of this.#sources.values()) {
      if (halfOpenOf(source) > (biggest === undefined ? 0 : halfOpenOf(biggest))) biggest = source;
    }
    return biggest;
  }

  #dropOne(source: Source): boolean {
    const place = source.silent.values().next().value ?? source.hello.values().next().value;
    if (place === undefined) return false;
    this.remove(place);
    this.#counters.halfOpenDropped += 1;
    place.onDrop();
    return true;
  }
}

class Place implements AdmissionPass {
  readonly source: Source;
  onDrop: () => void;
  readonly #admission: Admission;
  stage: Stage = 'silent';
  hasLeft = false;

  constructor(source: Source, drop: () => void, admission: Admission) {
    this.source = source;
    this.onDrop = drop;
    this.#admission = admission;
  }

  helloCame(): void {
    if (this.stage === 'silent') this.#admission.move(this, 'hello');
  }

  established(): void {
    this.#admission.move(this, 'established');
  }

  leave(): void {
    this.#admission.remove(this);
  }
}

function halfOpenOf(source: Source): number {
  return source.silent.size + source.hello.size;
}
