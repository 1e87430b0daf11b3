import type { Bytes } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';

export const SEQUENCE = 0x30;
export const INTEGER = 0x02;
export const BIT_STRING = 0x03;
export const OCTET_STRING = 0x04;
export const OBJECT_IDENTIFIER = 0x06;

/**
 * The little DER that keys and ECDSA signatures need: single-byte tags, shortest definite lengths, nothing left over
 * (X.690 §10.1). Certificates have their own reader in certs/. All failures are `malformed`.
 */
export class DerReader {
  readonly #bytes: Bytes;
  #at = 0;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  get hasMore(): boolean {
    return this.#at < this.#bytes.length;
  }

  nextIs(tag: number): boolean {
    return this.#bytes[this.#at] === tag;
  }

  /** The contents of the next element, which must have this tag. */
  element(tag: number): Bytes {
    if (this.#bytes[this.#at] !== tag) throw malformed(`expected tag 0x${tag.toString(16)}`);
    this.#at += 1;
    const length = this.#length();
    if (length > this.#bytes.length - this.#at) throw malformed('an element is cut short');
    const contents = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return contents;
  }

  nested(tag: number): DerReader {
    return new DerReader(this.element(tag));
  }

  /** A positive INTEGER in its shortest form, without the zero byte that keeps it positive. */
  positiveInteger(): Bytes {
    const contents = this.element(INTEGER);
    const first = contents[0];
    if (first === undefined || first >= 0x80) throw malformed('an integer is empty or negative');
    if (first !== 0) return contents;
    if (contents.length === 1) throw malformed('an integer is zero');
    if ((contents[1] as number) < 0x80) throw malformed('an integer has a superfluous zero byte');
    return contents.subarray(1);
  }

  /** A BIT STRING of whole bytes. */
  bitString(): Bytes {
    const contents = this.element(BIT_STRING);
    if (contents[0] !== 0) throw malformed('a bit string has unused bits');
    return contents.subarray(1);
  }

  end(): void {
    if (this.hasMore) throw malformed('trailing bytes');
  }

  #length(): number {
    const first = this.#byte();
    if (first < 0x80) return first;
    const width = first & 0x7f;
    if (width === 0 || width > 3) throw malformed('a length is indefinite or absurd');
    let length = 0;
    for (let i = 0; i < width; i += 1) length = length * 256 + this.#byte();
    if (length < 0x80 || length < 256 ** (width - 1)) throw malformed('a length is not in its shortest form');
    return length;
  }

  #byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw malformed('an element is cut short');
    this.#at += 1;
    return byte;
  }
}

function malformed(detail: string): XpsError {
  return new XpsError('malformed', { detail: `DER: ${detail}` });
}
