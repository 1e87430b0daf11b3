import { XpsError } from './errors.ts';

export type Bytes = Uint8Array<ArrayBufferLike>;

/**
 * Reads big-endian fields from a message. Every length is checked before it is used; `end()`
 * demands that nothing is left. All failures are `malformed` with the name of the field.
 */
export class Reader {
  readonly #bytes: Bytes;
  readonly #view: DataView;
  #offset = 0;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  get offset(): number {
    return this.#offset;
  }

  u8(field: string): number {
    return this.#view.getUint8(this.#advance(1, field));
  }

  u16(field: string): number {
    return this.#view.getUint16(this.#advance(2, field));
  }

  u24(field: string): number {
    const at = this.#advance(3, field);
    return this.#view.getUint8(at) * 0x1_0000 + this.#view.getUint16(at + 1);
  }

  u32(field: string): number {
    return this.#view.getUint32(this.#advance(4, field));
  }

  u64(field: string): bigint {
    return this.#view.getBigUint64(this.#advance(8, field));
  }

  /** A view (not a copy) of the next `length` bytes. */
  bytes(length: number, field: string): Bytes {
    const at = this.#advance(length, field);
    return this.#bytes.subarray(at, at + length);
  }

  vector8(field: string, min: number, max: number): Bytes {
    return this.bytes(bounded(this.u8(field), field, min, max), field);
  }

  vector16(field: string, min: number, max: number): Bytes {
    return this.bytes(bounded(this.u16(field), field, min, max), field);
  }

  vector24(field: string, min: number, max: number): Bytes {
    return this.bytes(bounded(this.u24(field), field, min, max), field);
  }

  end(message: string): void {
    if (this.remaining !== 0) {
      throw new XpsError('malformed', { detail: `${message}: ${this.remaining} trailing bytes` });
    }
  }

  #advance(length: number, field: string): number {
    if (length > this.remaining) {
      throw new XpsError('malformed', {
        detail: `${field}: needs ${length} bytes, ${this.remaining} are left`,
      });
    }
    const at = this.#offset;
    this.#offset += length;
    return at;
  }
}

function bounded(length: number, field: string, min: number, max: number): number {
  if (length < min || length > max) {
    throw new XpsError('malformed', {
      detail: `${field}: length ${length} is outside ${min}..${max}`,
    });
  }
  return length;
}

/** Writes big-endian fields. A value that does not fit its field is a programming error. */
export class Writer {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  /** Grows as needed; a good guess of the whole length saves copies. */
  constructor(expectedLength = 256) {
    this.#bytes = new Uint8Array(expectedLength);
  }

  u8(value: number): this {
    return this.#number(value, 1);
  }

  u16(value: number): this {
    return this.#number(value, 2);
  }

  u24(value: number): this {
    return this.#number(value, 3);
  }

  u32(value: number): this {
    return this.#number(value, 4);
  }

  u64(value: bigint): this {
    if (value < 0n || value >= 1n << 64n) throw new XpsError('internal_error', { detail: `${value} does not fit 8 bytes` });
    return this.#number(Number(value >> 32n), 4).#number(Number(value & 0xffff_ffffn), 4);
  }

  bytes(part: Bytes): this {
    const start = this.#reserve(part.length);
    this.#bytes.set(part, start);
    return this;
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

  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  #number(value: number, width: number): this {
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** (8 * width)) {
      throw new XpsError('internal_error', { detail: `${value} does not fit ${width} bytes` });
    }
    const start = this.#reserve(width);
    for (let i = width - 1, rest = value; i >= 0; i -= 1, rest = Math.floor(rest / 256)) {
      this.#bytes[start + i] = rest % 256;
    }
    return this;
  }

  /** Where the next `length` bytes go. */
  #reserve(length: number): number {
    const start = this.#length;
    this.#length += length;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, start));
      this.#bytes = grown;
    }
    return start;
  }
}

export function concat(parts: readonly Bytes[], length?: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(length ?? parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Constant time for equal lengths; lengths are public everywhere in this product. */
export function equalBytes(a: Bytes, b: Bytes): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i += 1) difference |= (a[i] as number) ^ (b[i] as number);
  return difference === 0;
}

export function toHex(bytes: Bytes): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** Strict: an even number of hexadecimal digits, nothing else. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  if (text.length % 2 !== 0 || /[^0-9a-fA-F]/.test(text)) {
    throw new XpsError('malformed', { detail: 'not hexadecimal' });
  }
  return Uint8Array.from(Buffer.from(text, 'hex'));
}

const ENCODER = new TextEncoder();

export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return ENCODER.encode(text);
}
