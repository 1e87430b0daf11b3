import type { Bytes } from '../base/bytes.ts';
import type { HashProvider, RunningHash } from '../engines/contract.ts';

/** The running hash over whole messages, docs/PROTOCOL.md §5.3. */
export class Transcript {
  readonly #hash: RunningHash;

  constructor(hash: HashProvider) {
    this.#hash = hash.running('sha384');
  }

  add(wholeMessage: Bytes): void {
    this.#hash.update(wholeMessage);
  }

  /** TH of everything so far. */
  digest(): Uint8Array<ArrayBuffer> {
    return this.#hash.digest();
  }
}
