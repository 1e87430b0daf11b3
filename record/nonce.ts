import type { Bytes } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';
import { HARD_RECORD_LIMIT, HEADER_LENGTH } from './limits.ts';

/**
 * The sequence number of one key, with the nonce and AAD that follow from it (docs/PROTOCOL.md §2.5).
 * A number is handed out once, so a nonce cannot repeat under a key; at the hard limit it refuses.
 */
export class NonceSequence {
  readonly #iv: Bytes;
  readonly #nonce: Uint8Array;
  readonly #aad = new Uint8Array(HEADER_LENGTH + 8);
  readonly #aadView: DataView = new DataView(this.#aad.buffer);
  #next: number;

  /** `iv` is copied; `first` is not 0 only after a hand-over. */
  constructor(iv: Bytes, first = 0) {
    this.#iv = Uint8Array.from(iv);
    this.#nonce = Uint8Array.from(iv);
    this.#next = first;
  }

  /** Records so far under this key. */
  get used(): number {
    return this.#next;
  }

  /** Buffers are valid until the next call. */
  take(header: Bytes): { readonly nonce: Bytes; readonly aad: Bytes } {
    const sequence = this.#next;
    if (sequence >= HARD_RECORD_LIMIT) {
      throw new XpsError('key_exhausted', { detail: `${sequence} records under one key` });
    }
    this.#next = sequence + 1;
    this.#aad.set(header);
    // The hard limit keeps the number below 2^32: its upper half is always zero.
    this.#aadView.setUint32(HEADER_LENGTH + 4, sequence);
    const tail = this.#nonce.length - 4;
    for (let i = 0; i < 4; i += 1) {
      this.#nonce[tail + i] = (this.#iv[tail + i] as number) ^ (this.#aad[HEADER_LENGTH + 4 + i] as number);
    }
    return { nonce: this.#nonce, aad: this.#aad };
  }

  wipe(): void {
    this.#iv.fill(0);
    this.#nonce.fill(0);
  }
}
