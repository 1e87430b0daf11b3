import type { Bytes } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';
import type { AeadCipher } from '../engines/contract.ts';
import { writeHeader } from './header.ts';
import { HANDSHAKE_PADDING_BLOCK, HEADER_LENGTH, TAG_LENGTH, type ContentType } from './limits.ts';
import { NonceSequence } from './nonce.ts';

/** What one direction of one epoch needs. The cipher and IV are owned by whoever receives this. */
export interface RecordKeys {
  readonly epoch: number;
  readonly cipher: AeadCipher;
  readonly iv: Bytes;
  /** L of docs/PROTOCOL.md §2.3. */
  readonly contentLimit: number;
}

/** Makes protected records under one key: docs/PROTOCOL.md §2.3 and §2.5. */
export class RecordSealer implements Disposable {
  readonly epoch: number;
  readonly contentLimit: number;
  readonly #cipher: AeadCipher;
  readonly #sequence: NonceSequence;
  #sealedBytes = 0;

  constructor(keys: RecordKeys) {
    this.epoch = keys.epoch;
    this.contentLimit = keys.contentLimit;
    this.#cipher = keys.cipher;
    this.#sequence = new NonceSequence(keys.iv);
  }

  get records(): number {
    return this.#sequence.used;
  }

  /** Content bytes sealed so far. */
  get bytes(): number {
    return this.#sealedBytes;
  }

  get provider(): string {
    return this.#cipher.provider;
  }

  /**
   * One whole record with 1 … L bytes of content. In epoch 0 it is padded as §2.7 demands.
   * Throws `key_exhausted` at the hard limit.
   */
  seal(type: ContentType, content: Bytes): Uint8Array<ArrayBuffer> {
    if (content.length === 0 || content.length > this.contentLimit) {
      throw new XpsError('internal_error', { detail: `record content of ${content.length} bytes` });
    }
    const innerLength = this.#innerLength(content.length);
    const record = new Uint8Array(HEADER_LENGTH + innerLength + TAG_LENGTH);
    const header = record.subarray(0, HEADER_LENGTH);
    writeHeader(header, true, this.epoch, innerLength + TAG_LENGTH);
    record.set(content, HEADER_LENGTH);
    record[HEADER_LENGTH + content.length] = type;
    const { nonce, aad } = this.#sequence.take(header);
    this.#cipher.seal(nonce, aad, record.subarray(HEADER_LENGTH, HEADER_LENGTH + innerLength), record.subarray(HEADER_LENGTH));
    this.#sealedBytes += content.length;
    return record;
  }

  [Symbol.dispose](): void {
    this.#cipher[Symbol.dispose]();
    this.#sequence.wipe();
  }

  #innerLength(contentLength: number): number {
    const bare = contentLength + 1;
    if (this.epoch !== 0) return bare;
    const padded = Math.ceil(bare / HANDSHAKE_PADDING_BLOCK) * HANDSHAKE_PADDING_BLOCK;
    return Math.min(padded, this.contentLimit + 1);
  }
}

/** A plain record around one whole message (docs/PROTOCOL.md §2.2). */
export function plainRecord(message: Bytes): Uint8Array<ArrayBuffer> {
  const record = new Uint8Array(HEADER_LENGTH + message.length);
  writeHeader(record, false, 0, message.length);
  record.set(message, HEADER_LENGTH);
  return record;
}
