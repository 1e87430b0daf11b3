/** Streams, Retire and Close: docs/PROTOCOL.md §8. */
import type { Core } from './core.ts';
import { decodeEmpty } from './fields.ts';
import {
  decodeClose, decodeEnd, decodeOpen, decodeReset, encodeClose, encodeEnd, encodeOpen, encodeReset,
} from './traffic-messages.ts';
import { allowed, demand, LIMIT, TYPE, type Bytes } from './vocabulary.ts';

/** One side's half of a stream. It is over once End or Reset went, and both may go (§8.4). */
interface Half {
  bytes: bigint;
  ended: boolean;
  reset: boolean;
}

interface Stream {
  readonly number: bigint;
  readonly mine: Half;
  readonly theirs: Half;
}

const isOver = (half: Half): boolean => half.ended || half.reset;
const newHalf = (): Half => ({ bytes: 0n, ended: false, reset: false });

export class Streams {
  readonly #core: Core;
  /** The present stream; it stays the present one after it is over, until the next Open. */
  #stream: Stream | undefined;
  #previous: Stream | undefined;
  #hasRetired = false;
  #opensAfterRetire = 0;
  #sentTotal = 0n;
  #receivedTotal = 0n;

  constructor(core: Core) {
    this.#core = core;
  }

  // Sending

  open(kind: number, destination: string): void {
    allowed(this.#core.role === 'client', 'only the client opens streams');
    allowed(!this.#isStreamOpen, 'a stream is open');
    allowed(!this.#hasRetired && !this.#core.hasSentClose, 'the channel takes no further stream');
    allowed(this.#isConfirmed || this.#stream === undefined, 'one stream before Confirm');
    const number = (this.#stream?.number ?? 0n) + 1n;
    this.#core.send(TYPE.Open, encodeOpen({ number, kind, destination }));
    this.#begin(number);
  }

  sendData(bytes: Bytes): void {
    const stream = this.#stream;
    allowed(stream !== undefined && !isOver(stream.mine), 'our direction is not open');
    const isWithin = this.#sentTotal + BigInt(bytes.length) <= BigInt(LIMIT.earlyBytes);
    allowed(this.#isConfirmed || isWithin, 'too much early data');
    this.#core.outbox.data(bytes);
    stream.mine.bytes += BigInt(bytes.length);
    this.#sentTotal += BigInt(bytes.length);
  }

  end(): void {
    const stream = this.#stream;
    allowed(stream !== undefined && !isOver(stream.mine), 'our direction is not open');
    this.#core.send(TYPE.End, encodeEnd({ number: stream.number, bytes: stream.mine.bytes }));
    stream.mine.ended = true;
    this.closeIfRetired();
  }

  reset(reason: number): void {
    const stream = this.#stream;
    allowed(this.#isConfirmed, 'not before Confirm');
    allowed(stream !== undefined && !stream.mine.reset, 'no stream to reset');
    allowed(!stream.mine.ended || !isOver(stream.theirs), 'the stream is over');
    this.#core.send(TYPE.Reset, encodeReset({ number: stream.number, reason }));
    stream.mine.reset = true;
    this.closeIfRetired();
  }

  retire(): void {
    allowed(this.#core.role === 'server' && !this.#hasRetired, 'the server retires once');
    this.#core.send(TYPE.Retire);
    this.#hasRetired = true;
  }

  close(): void {
    allowed(this.#core.role === 'client', 'the client closes; the server retires');
    allowed(this.#isConfirmed && !this.#core.hasSentClose, 'not now');
    allowed(!this.#isStreamOpen, 'a stream is open');
    allowed(!this.#core.isRekeying, 'a rekey is under way');
    this.#sendClose();
  }

  // Receiving

  onData(bytes: Bytes): void {
    const stream = this.#stream;
    demand(stream !== undefined && !isOver(stream.theirs), 'data_unexpected');
    stream.theirs.bytes += BigInt(bytes.length);
    this.#receivedTotal += BigInt(bytes.length);
    if (!stream.mine.reset) this.#core.events.push({ type: 'data', bytes });
  }

  onOpen(body: Bytes): void {
    const open = decodeOpen(body);
    demand(!this.#isStreamOpen, 'open_while_open');
    demand(open.number === (this.#stream?.number ?? 0n) + 1n, 'stream_number');
    if (this.#hasRetired) {
      this.#opensAfterRetire += 1;
      demand(this.#opensAfterRetire <= 1, 'open_after_retire');
    }
    this.#begin(open.number);
    this.#core.events.push({ type: 'open', ...open });
  }

  onEnd(body: Bytes): void {
    const end = decodeEnd(body);
    const stream = this.#stream;
    demand(stream !== undefined && end.number === stream.number, 'stream_number');
    demand(!isOver(stream.theirs), 'end_unexpected');
    demand(end.bytes === stream.theirs.bytes, 'end_count');
    stream.theirs.ended = true;
    this.#core.events.push({ type: 'end', ...end });
    this.closeIfRetired();
  }

  onReset(body: Bytes): void {
    const reset = decodeReset(body);
    const stream = this.#streamOfReset(reset.number);
    demand(stream !== undefined, 'stream_number');
    demand(!stream.theirs.reset, 'reset_twice');
    const isLate = isOver(stream.mine) && isOver(stream.theirs);
    stream.theirs.reset = true;
    if (isLate) return; // §8.5: it crossed our End
    this.#core.events.push({ type: 'reset', ...reset });
    if (!isOver(stream.mine) && !this.#core.hasSentClose) this.end();
    this.closeIfRetired();
  }

  /** The server's Reset after its own End may cross the client's End and even the client's next Open (§8.5). */
  #streamOfReset(number: bigint): Stream | undefined {
    if (this.#stream?.number === number) return this.#stream;
    return this.#core.role === 'client' && this.#previous?.number === number ? this.#previous : undefined;
  }

  onRetire(body: Bytes): void {
    decodeEmpty(body);
    demand(!this.#hasRetired, 'retire_twice');
    this.#hasRetired = true;
    this.#core.events.push({ type: 'retire' });
    this.closeIfRetired();
  }

  onClose(body: Bytes): void {
    const bytes = decodeClose(body);
    demand(bytes === this.#receivedTotal, 'close_count');
    if (this.#core.role === 'server') {
      demand(!this.#isStreamOpen && !this.#core.isRekeying, 'close_while_open');
      this.#sendClose();
    } else {
      demand(this.#core.hasSentClose, 'close_unasked');
    }
    this.#core.events.push({ type: 'close', bytes });
    this.#core.end('closed');
  }

  get #isConfirmed(): boolean {
    return this.#core.state === 'established';
  }

  get #isStreamOpen(): boolean {
    return this.#stream !== undefined && !(isOver(this.#stream.mine) && isOver(this.#stream.theirs));
  }

  #begin(number: bigint): void {
    this.#previous = this.#stream;
    this.#stream = { number, mine: newHalf(), theirs: newHalf() };
  }

  /** §8.6, and §8.7: not while a rekey is under way. */
  closeIfRetired(): void {
    const core = this.#core;
    const isDue = core.role === 'client' && this.#hasRetired && !this.#isStreamOpen && !core.isRekeying;
    if (isDue && !core.hasSentClose) this.#sendClose();
  }

  #sendClose(): void {
    this.#core.send(TYPE.Close, encodeClose(this.#sentTotal));
    this.#core.hasSentClose = true;
  }
}
