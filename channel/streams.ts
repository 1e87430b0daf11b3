import { XpsError } from '../base/errors.ts';
import type { End, Open, Reset } from './messages/stream-messages.ts';

type Ending = 'open' | 'ended' | 'reset';

/** Everything that a lane knows, for a hand-off. */
export interface LaneState {
  readonly number: bigint;
  readonly sending: Ending;
  readonly receiving: Ending;
  readonly wasLastEnded: boolean;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Of the streams before the present one. */
  readonly totalSent: bigint;
  readonly totalReceived: bigint;
}

/** The one stream that a channel carries at a time: docs/PROTOCOL.md §8. Rules only, no bytes. */
export class StreamLane {
  #number = 0n;
  #sending: Ending = 'reset';
  #receiving: Ending = 'reset';
  /** Whether the peer ended the stream before the present one with End: a Reset of it may have crossed ours. */
  #wasLastEnded = false;
  #sentBytes = 0;
  #receivedBytes = 0;
  #totalSent = 0n;
  #totalReceived = 0n;

  /** Number of the present or last stream; 0 before the first. */
  get number(): bigint {
    return this.#number;
  }

  get isIdle(): boolean {
    return this.#sending !== 'open' && this.#receiving !== 'open';
  }

  get canSend(): boolean {
    return this.#sending === 'open';
  }

  get canReceive(): boolean {
    return this.#receiving === 'open';
  }

  /** Neither over nor reset by us already (§8.4). */
  get canReset(): boolean {
    return !this.isIdle && this.#sending !== 'reset';
  }

  /** DATA bytes of all streams, for Close. */
  get totalSent(): bigint {
    return this.#totalSent + BigInt(this.#sentBytes);
  }

  get totalReceived(): bigint {
    return this.#totalReceived + BigInt(this.#receivedBytes);
  }

  get state(): LaneState {
    return {
      number: this.#number,
      sending: this.#sending,
      receiving: this.#receiving,
      wasLastEnded: this.#wasLastEnded,
      sentBytes: this.#sentBytes,
      receivedBytes: this.#receivedBytes,
      totalSent: this.#totalSent,
      totalReceived: this.#totalReceived,
    };
  }

  openNext(): bigint {
    if (!this.isIdle) throw new XpsError('internal_error', { detail: 'a stream is still open' });
    this.#begin(this.#number + 1n);
    return this.#number;
  }

  acceptOpen(open: Open): void {
    if (!this.isIdle) throw new XpsError('stream_invalid', { detail: 'Open while a stream is open' });
    if (open.number !== this.#number + 1n) {
      throw new XpsError('stream_invalid', { detail: `stream ${open.number}, expected ${this.#number + 1n}` });
    }
    this.#begin(open.number);
  }

  countSent(bytes: number): void {
    if (this.#sending !== 'open') throw new XpsError('internal_error', { detail: 'data on a closed direction' });
    this.#sentBytes += bytes;
  }

  /** False: the stream was reset by us, the bytes are counted and thrown away (§8.4). */
  countReceived(bytes: number): boolean {
    if (this.#receiving !== 'open') throw new XpsError('stream_invalid', { detail: 'data for a direction that is not open' });
    this.#receivedBytes += bytes;
    return this.#sending !== 'reset';
  }

  end(): End {
    if (this.#sending !== 'open') throw new XpsError('internal_error', { detail: 'the direction is over already' });
    this.#sending = 'ended';
    return { number: this.#number, bytes: BigInt(this.#sentBytes) };
  }

  reset(): bigint {
    // §8.4: a Reset after our own End is legal while the other direction is open.
    if (!this.canReset) throw new XpsError('internal_error', { detail: 'nothing is left to reset' });
    this.#sending = 'reset';
    return this.#number;
  }

  acceptEnd(end: End): void {
    this.#requirePresent(end.number);
    if (end.bytes !== BigInt(this.#receivedBytes)) {
      throw new XpsError('close_count_mismatch', {
        detail: `stream ${end.number}: ${this.#receivedBytes} bytes came, the peer says ${end.bytes}`,
      });
    }
    if (this.#receiving !== 'open') throw new XpsError('stream_invalid', { detail: 'the direction is over already' });
    this.#receiving = 'ended';
  }

  /** False: it crossed our own End and means nothing any more (§8.5). */
  acceptReset(reset: Reset): boolean {
    const lastOver = this.isIdle ? this.#number : this.#number - 1n;
    const wasEnded = this.isIdle ? this.#receiving === 'ended' : this.#wasLastEnded;
    if (reset.number === lastOver && wasEnded) {
      // Once: the peer has now reset that stream.
      if (this.isIdle) this.#receiving = 'reset';
      this.#wasLastEnded = false;
      return false;
    }
    this.#requirePresent(reset.number);
    if (this.#receiving === 'reset') throw new XpsError('stream_invalid', { detail: 'a second Reset' });
    this.#receiving = 'reset';
    return true;
  }

  #begin(number: bigint): void {
    this.#wasLastEnded = this.#receiving === 'ended';
    this.#totalSent += BigInt(this.#sentBytes);
    this.#totalReceived += BigInt(this.#receivedBytes);
    this.#sentBytes = 0;
    this.#receivedBytes = 0;
    this.#number = number;
    this.#sending = 'open';
    this.#receiving = 'open';
  }

  #requirePresent(number: bigint): void {
    if (this.isIdle || number !== this.#number) {
      throw new XpsError('stream_invalid', { detail: `stream ${number} is not the present one` });
    }
  }
}
