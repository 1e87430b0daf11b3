import type { LimitsConfig } from '../config/schema.ts';
import type { Pass } from '../transports/transport.ts';
import type { TunnelCounters } from './counters.ts';

/** How far a connection has come, in the order in which connections have to make room. */
const HALF_OPEN_STAGES = ['silent', 'retried', 'answered'] as const;
type HalfOpenStage = (typeof HALF_OPEN_STAGES)[number];
type Stage = HalfOpenStage | 'established';

/** A connection's place under the limits of its tunnel. */
export interface AdmissionPass extends Pass {
  /** How the connection is closed when it has to make room; the listener's way until somebody has a better one. */
  onDrop: () => void;
  /** Its hello has to come back with a cookie. */
  retried(): void;
  /** Its hello was answered: it has shown a cookie where one was demanded. */
  answered(): void;
  established(): void;
}

interface Source {
  readonly name: string;
  total: number;
  /** In the order of their arrival. */
  readonly stages: Readonly<Record<HalfOpenStage, Set<Place>>>;
}

/** So long nobody has to make room: a hello follows its SYN at once, and a cookie comes back within a round trip. */
const GRACE_MS = 250;
/** But for this many times the limit, which is reached by floods only. */
const HARD_FACTOR = 4;
/** Hellos within a second beyond which every further one has to come back with a cookie. */
const HELLOS_PER_SECOND = 200;

/**
 * Who may be connected. Established channels keep their place; when there are too many connections, it is
 * unfinished handshakes that make room: those of the source that has most of them, silent ones before
 * those that said hello, the oldest first. So a flood displaces itself, and an honest client last.
 */
export class Admission {
  readonly #limits: LimitsConfig;
  readonly #counters: TunnelCounters;
  readonly #nowMs: () => number;
  readonly #sources = new Map<string, Source>();
  #total = 0;
  #halfOpen = 0;
  #answered = 0;
  /** Sources that have more than their share. */
  readonly #crowded = new Set<Source>();
  #isTrimming = false;
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

  /** docs/PROTOCOL.md §6.3: hellos are answered with a Retry. To be asked once for each hello. */
  isUnderLoad(): boolean {
    const second = Math.floor(this.#nowMs() / 1000);
    if (second !== this.#secondBegan) {
      this.#secondBegan = second;
      this.#hellosThisSecond = 0;
    }
    this.#hellosThisSecond += 1;
    return this.#hellosThisSecond > HELLOS_PER_SECOND || this.#answered > this.#limits.handshakes / 4;
  }

  /** A connection that has to prove itself. `drop` closes it when it has to make room. */
  enter(source: string, drop: () => void): AdmissionPass {
    const place = new Place(this.#source(source), drop, this, this.#nowMs());
    place.source.stages.silent.add(place);
    place.source.total += 1;
    this.#total += 1;
    this.#halfOpen += 1;
    if (this.#isOverShare(place.source, 1) || this.#isOverFull(1)) this.#trimSoon(place.source);
    return place;
  }

  /** A connection that has nothing to prove, such as an application's. Undefined: there is no place. */
  enterProven(source: string): Pass | undefined {
    const { connections, connectionsPerSource } = this.#limits;
    if (this.#total >= connections || (this.#sources.get(source)?.total ?? 0) >= connectionsPerSource) {
      this.#counters.refused += 1;
      return undefined;
    }
    const place = new Place(this.#source(source), () => undefined, this, this.#nowMs());
    place.stage = 'established';
    place.source.total += 1;
    this.#total += 1;
    return place;
  }

  /** A few times a second: those that had grace make room now. */
  beat(): void {
    if (this.#crowded.size > 0 || this.#isOverFull(1)) this.#trim();
  }

  /** For `Place` alone. */
  move(place: Place, to: Stage): void {
    if (place.stage === to || place.hasLeft) return;
    this.#takeFromStage(place);
    place.stage = to;
    if (to === 'established') return;
    place.source.stages[to].add(place);
    this.#halfOpen += 1;
    if (to === 'answered') this.#answered += 1;
  }

  /** For `Place` alone. */
  remove(place: Place): void {
    if (place.hasLeft) return;
    place.hasLeft = true;
    this.#takeFromStage(place);
    place.source.total -= 1;
    this.#total -= 1;
    if (place.source.total > 0) return;
    this.#sources.delete(place.source.name);
    this.#crowded.delete(place.source);
  }

  #source(name: string): Source {
    let source = this.#sources.get(name);
    if (source === undefined) {
      source = { name, total: 0, stages: { silent: new Set(), retried: new Set(), answered: new Set() } };
      this.#sources.set(name, source);
    }
    return source;
  }

  #takeFromStage(place: Place): void {
    if (place.stage === 'established') return;
    place.source.stages[place.stage].delete(place);
    this.#halfOpen -= 1;
    if (place.stage === 'answered') this.#answered -= 1;
  }

  /** Two turns of the event loop later what has arrived by now has been read: nobody is dropped with a hello in the socket. */
  #trimSoon(source: Source): void {
    this.#crowded.add(source);
    if (this.#isTrimming) return;
    this.#isTrimming = true;
    setImmediate(() => setImmediate(() => {
      this.#isTrimming = false;
      this.#trim();
    }));
  }

  #trim(): void {
    for (const source of this.#crowded) {
      while (this.#isOverShare(source, 1) && this.#dropOne(source, this.#isOverShare(source, HARD_FACTOR)));
      if (!this.#isOverShare(source, 1)) this.#crowded.delete(source);
    }
    while (this.#isOverFull(1)) {
      const biggest = this.#biggestSource();
      if (biggest === undefined || !this.#dropOne(biggest, this.#isOverFull(HARD_FACTOR))) return;
    }
  }

  #isOverFull(factor: number): boolean {
    const { connections, handshakes } = this.#limits;
    return this.#total > connections * factor || this.#halfOpen > handshakes * factor;
  }

  #isOverShare(source: Source, factor: number): boolean {
    const { connectionsPerSource, handshakesPerSource } = this.#limits;
    return source.total > connectionsPerSource * factor || halfOpenOf(source) > handshakesPerSource * factor;
  }

  #biggestSource(): Source | undefined {
    let biggest: Source | undefined;
    for (const source of this.#sources.values()) {
      if (halfOpenOf(source) > (biggest === undefined ? 0 : halfOpenOf(biggest))) biggest = source;
    }
    return biggest;
  }

  /** False: nobody there has to make room, or nobody yet. */
  #dropOne(source: Source, isHard: boolean): boolean {
    const before = this.#nowMs() - GRACE_MS;
    const oldest = HALF_OPEN_STAGES.map((stage) => source.stages[stage].values().next().value).filter((place) => place !== undefined);
    const place = oldest.find(({ sinceMs }) => sinceMs < before) ?? (isHard ? oldest[0] : undefined);
    if (place === undefined) return false;
    this.remove(place);
    this.#counters.halfOpenDropped += 1;
    place.onDrop();
    return true;
  }
}

class Place implements AdmissionPass {
  readonly source: Source;
  readonly sinceMs: number;
  onDrop: () => void;
  readonly #admission: Admission;
  stage: Stage = 'silent';
  hasLeft = false;

  constructor(source: Source, drop: () => void, admission: Admission, nowMs: number) {
    this.source = source;
    this.onDrop = drop;
    this.#admission = admission;
    this.sinceMs = nowMs;
  }

  retried(): void {
    if (this.stage === 'silent') this.#admission.move(this, 'retried');
  }

  answered(): void {
    if (this.stage !== 'established') this.#admission.move(this, 'answered');
  }

  established(): void {
    this.#admission.move(this, 'established');
  }

  leave(): void {
    this.#admission.remove(this);
  }
}

function halfOpenOf({ stages }: Source): number {
  return stages.silent.size + stages.retried.size + stages.answered.size;
}
