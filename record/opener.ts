import type { Bytes } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';
import type { AeadCipher } from '../engines/contract.ts';
import type { RawRecord } from './deframer.ts';
import { CONTENT_DATA, CONTENT_MESSAGE, HEADER_LENGTH, TAG_LENGTH, type ContentType } from './limits.ts';
import { NonceSequence } from './nonce.ts';
import type { RecordKeys } from './sealer.ts';

export interface OpenedRecord {
  readonly type: ContentType;
  /** A view into the record that was opened. */
  readonly content: Bytes;
  /** Whether padding followed; a fragment that is not the last has none (docs/PROTOCOL.md §3.1). */
  readonly isPadded: boolean;
}

/** Opens protected records under one key, in order. The first failure is final: it stays dead. */
export class RecordOpener implements Disposable {
  readonly epoch: number;
  readonly contentLimit: number;
  readonly #cipher: AeadCipher;
  readonly #sequence: NonceSequence;
  #isDead = false;
  #openedBytes = 0;

  constructor(keys: RecordKeys) {
    this.epoch = keys.epoch;
    this.contentLimit = keys.contentLimit;
    this.#cipher = keys.cipher;
    this.#sequence = new NonceSequence(keys.iv);
  }

  get records(): number {
    return this.#sequence.used;
  }

  get bytes(): number {
    return this.#openedBytes;
  }

  /** Opens in place. Throws `epoch_unexpected`, `record_forged`, `record_content_invalid`, `key_exhausted`. */
  open(record: RawRecord): OpenedRecord {
    if (this.#isDead) throw new XpsError('internal_error', { detail: 'a record was opened after a failure' });
    this.#isDead = true;
    const opened = this.#open(record);
    this.#isDead = false;
    return opened;
  }

  [Symbol.dispose](): void {
    this.#isDead = true;
    this.#cipher[Symbol.dispose]();
    this.#sequence.wipe();
  }

  #open({ header, whole }: RawRecord): OpenedRecord {
    if (header.epoch !== (this.epoch & 0xffff)) {
      throw new XpsError('epoch_unexpected', { detail: `epoch ${header.epoch}, expected ${this.epoch & 0xffff}` });
    }
    if (header.length > this.contentLimit + 1 + TAG_LENGTH) {
      throw new XpsError('record_too_long', { detail: `length ${header.length} in epoch ${this.epoch}` });
    }
    const { nonce, aad } = this.#sequence.take(whole.subarray(0, HEADER_LENGTH));
    const sealed = whole.subarray(HEADER_LENGTH);
    const inner = sealed.subarray(0, sealed.length - TAG_LENGTH);
    if (!this.#cipher.open(nonce, aad, sealed, inner)) {
      throw new XpsError('record_forged', { detail: `epoch ${this.epoch}, record ${this.#sequence.used - 1}` });
    }
    const typeAt = lastNonZero(inner);
    const type = inner[typeAt];
    if (typeAt < 1 || (type !== CONTENT_MESSAGE && type !== CONTENT_DATA)) {
      throw new XpsError('record_content_invalid', {
        detail: typeAt < 1 ? 'a record without content' : `content type ${type}`,
      });
    }
    this.#openedBytes += typeAt;
    return { type, content: inner.subarray(0, typeAt), isPadded: typeAt !== inner.length - 1 };
  }
}

function lastNonZero(bytes: Bytes): number {
  let at = bytes.length - 1;
  while (at >= 0 && bytes[at] === 0) at -= 1;
  return at;
}
