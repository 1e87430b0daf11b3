import type { Bytes } from '../base/bytes.ts';
import type { ResetReason } from './messages/stream-messages.ts';

/** docs/PROTOCOL.md §6.9: DATA of C before Confirm. */
const EARLY_LIMIT_BYTES = 65_536;

/** What C wants to send before Confirm and may not: it waits here. Exists until Confirm comes. */
export class EarlyData {
  #sentBytes = 0;
  #held: Bytes[] = [];
  #isEndHeld = false;
  #heldReset: ResetReason | undefined;

  /** What was sent and is undelivered if the channel fails. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  get room(): number {
    return this.#held.length > 0 ? 0 : EARLY_LIMIT_BYTES - this.#sentBytes;
  }

  /** The stream's direction is over for its user, even if the peer does not know it yet. */
  get isOver(): boolean {
    return this.#isEndHeld || this.#heldReset !== undefined;
  }

  get heldReset(): ResetReason | undefined {
    return this.#heldReset;
  }

  /** The part of `content` that may be sent at once; the rest is kept. */
  take(content: Bytes): Bytes {
    const allowed = content.subarray(0, this.room);
    if (allowed.length < content.length) this.#held.push(content.subarray(allowed.length));
    this.#sentBytes += allowed.length;
    return allowed;
  }

  /** Whether End has to wait for data that is kept. */
  holdEnd(): boolean {
    this.#isEndHeld = this.#held.length > 0;
    return this.#isEndHeld;
  }

  holdReset(reason: ResetReason): void {
    this.#held = [];
    this.#isEndHeld = false;
    this.#heldReset ??= reason;
  }

  /** Confirm came: everything that was kept, in order. */
  release(): { readonly data: readonly Bytes[]; readonly isEnded: boolean } {
    return { data: this.#held, isEnded: this.#isEndHeld };
  }
}
