// Two channels joined in memory. Time passes and bytes move only when a test says so.
import { concat, type Bytes } from '../../base/bytes.ts';
import type { XpsError } from '../../base/errors.ts';
import { SecureChannel, type ChannelHandler, type ChannelSettings } from '../../channel/channel.ts';
import type { Destination, ResetReason } from '../../channel/messages/stream-messages.ts';
import type { RekeyTrigger } from '../../channel/rekey-schedule.ts';
import type { MintedTicket } from '../../channel/session.ts';
import type { Established } from '../../handshake/effects.ts';
import { clientSettings, serverSettings, type ClientOptions, type ServerOptions } from './channel-sides.ts';
import { asWritten, type Cut } from './cuts.ts';

export const CONFIGURED: Destination = { kind: 'configured' };

/** One channel with everything that it has reported, in order. */
export class TestSide implements ChannelHandler {
  readonly channel: SecureChannel;
  readonly events: string[] = [];
  readonly tickets: MintedTicket[] = [];
  received: Bytes[] = [];
  established: Established | undefined;
  failure: XpsError | undefined;
  destination: Destination | undefined;
  /** Called with each event, after it was noted. */
  onEvent: (event: string) => void = () => undefined;

  constructor(settings: ChannelSettings) {
    this.channel = new SecureChannel(settings, this);
  }

  get receivedBytes(): Uint8Array {
    return concat(this.received);
  }

  onOutput(): void {}

  onReady(): void {
    this.#note('ready');
  }

  onEstablished(established: Established): void {
    this.established = established;
    this.#note('established');
  }

  onOpen(destination: Destination): void {
    this.destination = destination;
    this.#note('open');
  }

  onData(content: Bytes): void {
    this.received.push(Uint8Array.from(content));
    this.onEvent('data');
  }

  onEnd(): void {
    this.#note('end');
  }

  onReset(reason: ResetReason): void {
    this.#note(`reset ${reason}`);
  }

  onStreamOver(): void {
    this.#note('over');
  }

  onRetire(): void {
    this.#note('retire');
  }

  onTicket(ticket: MintedTicket): void {
    this.tickets.push(ticket);
    this.#note('ticket');
  }

  onRekeyed(generation: number, trigger: RekeyTrigger | 'peer'): void {
    this.#note(`rekeyed ${generation} ${trigger}`);
  }

  onClosed(): void {
    this.#note('closed');
  }

  onFailed(error: XpsError): void {
    this.failure = error;
    this.#note(`failed ${error.reason}`);
  }

  #note(event: string): void {
    this.events.push(event);
    this.onEvent(event);
  }
}

export type Direction = 'to server' | 'to client';
/** Changes what is on its way; an empty list drops it. */
export type Intercept = (direction: Direction, bytes: readonly Bytes[]) => readonly Bytes[];

export interface PairOptions {
  readonly client?: ClientOptions;
  readonly server?: ServerOptions;
  readonly cut?: Cut;
  readonly intercept?: Intercept;
}

export class TestPair {
  readonly client: TestSide;
  readonly server: TestSide;
  nowMs = 1_000_000;
  cut: Cut;
  intercept: Intercept;

  constructor({ client = {}, server = {}, cut = asWritten, intercept = (_, bytes) => bytes }: PairOptions = {}) {
    this.client = new TestSide(clientSettings(client, () => this.nowMs));
    this.server = new TestSide(serverSettings(server, () => this.nowMs));
    this.cut = cut;
    this.intercept = intercept;
  }

  /** Handshake until nothing moves any more. */
  start(): this {
    this.server.channel.start();
    this.client.channel.start();
    return this.flow();
  }

  /** Moves bytes both ways until nobody has any left. */
  flow(): this {
    while (this.carry('to server') || this.carry('to client'));
    return this;
  }

  /** One direction, once; whether anything was on its way. */
  carry(direction: Direction): boolean {
    const [from, to] = direction === 'to server' ? [this.client, this.server] : [this.server, this.client];
    const output = from.channel.takeOutput();
    if (output.length === 0) return false;
    for (const segment of this.cut(this.intercept(direction, output))) to.channel.receive(segment);
    return true;
  }

  /** Lets time pass for both, in steps of at most `stepMs`. */
  advance(ms: number, stepMs = 250): this {
    for (let left = ms; left > 0; left -= stepMs) {
      this.nowMs += Math.min(left, stepMs);
      this.client.channel.tick();
      this.server.channel.tick();
      this.flow();
    }
    return this;
  }

  /** Waits for verdicts that are promises, then moves bytes again. */
  async settle(): Promise<this> {
    for (let i = 0; i < 4; i += 1) {
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
      this.flow();
    }
    return this;
  }
}

/** A pair that is established, with events of the handshake forgotten. */
export function establishedPair(options: PairOptions = {}): TestPair {
  const pair = new TestPair(options).start();
  for (const side of [pair.client, pair.server]) {
    if (side.established === undefined) throw side.failure ?? new Error('not established');
    side.events.length = 0;
  }
  return pair;
}

/** Bytes that are easy to check and not all the same. */
export function pattern(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i += 1) bytes[i] = (i * 31 + seed * 17 + (i >>> 8)) & 0xff;
  return bytes;
}
