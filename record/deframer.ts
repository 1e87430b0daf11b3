import type { Bytes } from '../base/bytes.ts';
import { readHeader, type RecordHeader } from './header.ts';
import { HEADER_LENGTH } from './limits.ts';

/** One record as it came: header and payload share the 8 + length bytes of `whole`, which may be opened in place. */
export interface RawRecord {
  readonly header: RecordHeader;
  readonly whole: Bytes;
}

/**
 * Cuts a byte stream into records, whatever its segments are. A record that lies within one segment
 * is not copied; one that spans segments is collected in a buffer of its own, reserved only after
 * its length was judged. The caller bounds how much it appends before it calls `next`.
 */
export class Deframer {
  /** L of docs/PROTOCOL.md §2.3 for the next record. */
  contentLimit: number;
  #segments: Bytes[] = [];
  #offset = 0;
  #buffered = 0;
  readonly #headerBytes = new Uint8Array(HEADER_LENGTH);
  #headerFilled = 0;
  #collecting: { readonly header: RecordHeader; readonly whole: Bytes; filled: number } | undefined;

  constructor(contentLimit: number) {
    this.contentLimit = contentLimit;
  }

  /** Bytes that were appended and not yet returned in a record. */
  get bufferedBytes(): number {
    return this.#buffered;
  }

  append(segment: Bytes): void {
    if (segment.length === 0) return;
    this.#segments.push(segment);
    this.#buffered += segment.length;
  }

  /** The next whole record, or undefined until more has been appended. Throws as `readHeader` does. */
  next(): RawRecord | undefined {
    if (this.#collecting === undefined) {
      const direct = this.#headerFilled === 0 ? this.#withinSegment() : undefined;
      if (direct !== undefined) return direct;
      if (!this.#collectHeader()) return undefined;
    }
    return this.#collectPayload();
  }

  /** Takes everything that was not returned yet, for hand-over to another reader. */
  takeRest(): Bytes[] {
    const rest: Bytes[] = [];
    if (this.#collecting !== undefined) rest.push(this.#collecting.whole.subarray(0, this.#collecting.filled));
    else if (this.#headerFilled > 0) rest.push(this.#headerBytes.slice(0, this.#headerFilled));
    for (const [index, segment] of this.#segments.entries()) {
      rest.push(index === 0 ? segment.subarray(this.#offset) : segment);
    }
    this.#segments = [];
    this.#offset = 0;
    this.#buffered = 0;
    this.#collecting = undefined;
    this.#headerFilled = 0;
    return rest;
  }

  #withinSegment(): RawRecord | undefined {
    const segment = this.#segments[0];
    if (segment === undefined || segment.length - this.#offset < HEADER_LENGTH) return undefined;
    const header = readHeader(segment, this.#offset, this.contentLimit);
    const end = this.#offset + HEADER_LENGTH + header.length;
    if (end > segment.length) return undefined;
    const whole = segment.subarray(this.#offset, end);
    this.#offset = end;
    this.#buffered -= whole.length;
    if (end === segment.length) this.#dropSegment();
    return { header, whole };
  }

  #collectHeader(): boolean {
    this.#headerFilled += this.#copyInto(this.#headerBytes, this.#headerFilled);
    if (this.#headerFilled < HEADER_LENGTH) return false;
    const header = readHeader(this.#headerBytes, 0, this.contentLimit);
    const whole = new Uint8Array(HEADER_LENGTH + header.length);
    whole.set(this.#headerBytes);
    this.#collecting = { header, whole, filled: HEADER_LENGTH };
    this.#headerFilled = 0;
    return true;
  }

  #collectPayload(): RawRecord | undefined {
    const collecting = this.#collecting;
    if (collecting === undefined) return undefined;
    collecting.filled += this.#copyInto(collecting.whole, collecting.filled);
    if (collecting.filled < collecting.whole.length) return undefined;
    this.#collecting = undefined;
    this.#buffered -= collecting.whole.length;
    return { header: collecting.header, whole: collecting.whole };
  }

  #copyInto(target: Bytes, from: number): number {
    let at = from;
    while (at < target.length) {
      const segment = this.#segments[0];
      if (segment === undefined) break;
      const piece = segment.subarray(this.#offset, this.#offset + target.length - at);
      target.set(piece, at);
      at += piece.length;
      this.#offset += piece.length;
      if (this.#offset === segment.length) this.#dropSegment();
    }
    return at - from;
  }

  #dropSegment(): void {
    this.#segments.shift();
    this.#offset = 0;
  }
}
