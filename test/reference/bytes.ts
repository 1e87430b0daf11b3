/** Reading and writing of fields: docs/PROTOCOL.md §1.1 and §1.2. */
import { ReferenceError, type Bytes } from './vocabulary.ts';

/** Reads fields in order; whatever does not fit is `malformed`. */
export class Reader {
  readonly #bytes: Bytes;
  #offset = 0;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  bytes(length: number, field: string): Bytes {
    if (length > this.remaining) throw new ReferenceError('malformed', `${field} is cut short`);
    const part = this.#bytes.subarray(this.#offset, this.#offset + length);
    this.#offset += length;
    return part;
  }

  u8(field: string): number {
    return this.#unsigned(1, field);
  }

  u16(field: string): number {
    return this.#unsigned(2, field);
  }

  u24(field: string): number {
    return this.#unsigned(3, field);
  }

  u32(field: string): number {
    return this.#unsigned(4, field);
  }

  u64(field: string): bigint {
    return BigInt(`0x${toHex(this.bytes(8, field))}`);
  }

  vector8(field: string, min: number, max: number): Bytes {
    return this.#vector(1, field, min, max);
  }

  vector16(field: string, min: number, max: number): Bytes {
    return this.#vector(2, field, min, max);
  }

  vector24(field: string, min: number, max: number): Bytes {
    return this.#vector(3, field, min, max);
  }

  end(what: string): void {
    if (this.remaining > 0) throw new ReferenceError('malformed', `${what} has trailing bytes`);
  }

  #unsigned(width: number, field: string): number {
    return this.bytes(width, field).reduce((value, byte) => value * 256 + byte, 0);
  }

  #vector(width: number, field: string, min: number, max: number): Bytes {
    const length = this.#unsigned(width, field);
    if (length < min || length > max) throw new ReferenceError('malformed', `length of ${field}`);
    return this.bytes(length, field);
  }
}

/** Writes fields in order. A value that does not fit its field is a mistake of the caller. */
export class Writer {
  readonly #parts: Bytes[] = [];

  bytes(part: Bytes): this {
    this.#parts.push(part.slice());
    return this;
  }

  u8(value: number): this {
    return this.#unsigned(BigInt(value), 1);
  }

  u16(value: number): this {
    return this.#unsigned(BigInt(value), 2);
  }

  u24(value: number): this {
    return this.#unsigned(BigInt(value), 3);
  }

  u32(value: number): this {
    return this.#unsigned(BigInt(value), 4);
  }

  u64(value: bigint): this {
    return this.#unsigned(value, 8);
  }

  vector8(part: Bytes): this {
    return this.u8(part.length).bytes(part);
  }

  vector16(part: Bytes): this {
    return this.u16(part.length).bytes(part);
  }

  vector24(part: Bytes): this {
    return this.u24(part.length).bytes(part);
  }

  finish(): Bytes {
    return concat(this.#parts);
  }

  #unsigned(value: bigint, width: number): this {
    const digits = value.toString(16).padStart(2 * width, '0');
    if (value < 0n || digits.length > 2 * width) throw new RangeError(`${value} does not fit ${width} bytes`);
    return this.bytes(fromHex(digits));
  }
}

export function concat(parts: readonly Bytes[]): Bytes {
  return Uint8Array.from(Buffer.concat(parts));
}

export function equalBytes(a: Bytes, b: Bytes): boolean {
  return Buffer.compare(a, b) === 0;
}

export function toHex(bytes: Bytes): string {
  return Buffer.from(bytes).toString('hex');
}

export function fromHex(text: string): Bytes {
  return Uint8Array.from(Buffer.from(text, 'hex'));
}

export function utf8(text: string): Bytes {
  return Uint8Array.from(Buffer.from(text, 'utf8'));
}
