import type { Bytes } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';

/** Universal tags of X.690 that occur in X.509, with the constructed bit where DER demands it. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  visibleString: 0x1a,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Context-specific tags: primitive (implicit string types) and constructed. */
export const context = (number: number): number => 0x80 | number;
export const contextConstructed = (number: number): number => 0xa0 | number;

const MAX_DEPTH = 24;

export function malformed(detail: string): XpsError {
  return new XpsError('certificate_malformed', { detail });
}

/** One tag-length-value. Offsets point into `source`, nothing is copied. */
export class DerElement {
  readonly source: Bytes;
  readonly tag: number;
  readonly start: number;
  readonly contentStart: number;
  readonly end: number;

  constructor(source: Bytes, tag: number, start: number, contentStart: number, end: number) {
    this.source = source;
    this.tag = tag;
    this.start = start;
    this.contentStart = contentStart;
    this.end = end;
  }

  get raw(): Bytes {
    return this.source.subarray(this.start, this.end);
  }

  get content(): Bytes {
    return this.source.subarray(this.contentStart, this.end);
  }

  get length(): number {
    return this.end - this.contentStart;
  }

  /** Reads the elements inside a constructed element, in order. */
  cursor(): DerCursor {
    return new DerCursor(this.source, this.contentStart, this.end);
  }

  children(): DerElement[] {
    const found: DerElement[] = [];
    const cursor = this.cursor();
    while (!cursor.isAtEnd) found.push(cursor.next());
    return found;
  }

  /** X.690 §8.3.2 (minimal) with the value as a bigint. */
  integer(field: string): bigint {
    return integerOf(this.integerBytes(field));
  }

  /** The content of an INTEGER, checked to be minimal. */
  integerBytes(field: string): Bytes {
    this.expect(TAG.integer, field);
    checkInteger(this, field);
    return this.content;
  }

  /** A non-negative INTEGER that fits a count. */
  smallInteger(field: string): number {
    const bytes = this.integerBytes(field);
    if (((bytes[0] as number) & 0x80) !== 0) throw malformed(`${field} is negative`);
    // Larger than any count can be: the exact value makes no difference to a limit.
    if (bytes.length > 5) return Number.MAX_SAFE_INTEGER;
    return Number(integerOf(bytes));
  }

  boolean(field: string): boolean {
    this.expect(TAG.boolean, field);
    checkBoolean(this, field);
    return this.source[this.contentStart] === 0xff;
  }

  oid(field: string): string {
    this.expect(TAG.oid, field);
    return decodeOid(this);
  }

  /** A BIT STRING that holds whole bytes, as keys and signatures do. */
  wholeBits(field: string): Bytes {
    this.expect(TAG.bitString, field);
    checkBitString(this, field);
    if (this.source[this.contentStart] !== 0) throw malformed(`${field} is not a whole number of bytes`);
    return this.source.subarray(this.contentStart + 1, this.end);
  }

  /** The whole content of a BIT STRING, the count of unused bits included. */
  bits(field: string): Bytes {
    this.expect(TAG.bitString, field);
    checkBitString(this, field);
    return this.content;
  }

  octets(field: string): Bytes {
    this.expect(TAG.octetString, field);
    return this.content;
  }

  /**
   * RFC 5280 §4.1.2.5, in milliseconds: either form, `Z`, with seconds, without fractions. Dates before 2050 are to be
   * written as UTCTime, but readers have to take both.
   */
  time(field: string): number {
    if (this.tag === TAG.utcTime) return utcTime(this, field);
    if (this.tag === TAG.generalizedTime) return generalizedTime(this, field);
    throw malformed(`${field} is not a time`);
  }

  /** GeneralizedTime whatever the year, as OCSP uses it. */
  generalizedTime(field: string): number {
    this.expect(TAG.generalizedTime, field);
    return generalizedTime(this, field);
  }

  /** The one element inside an EXPLICIT context tag. */
  inner(field: string): DerElement {
    const cursor = this.cursor();
    if (cursor.isAtEnd) throw malformed(`${field} is empty`);
    const element = cursor.next();
    cursor.end(field);
    return element;
  }

  /** The same content under another tag: what an IMPLICIT context tag stands for. */
  as(tag: number): DerElement {
    return new DerElement(this.source, tag, this.start, this.contentStart, this.end);
  }

  expect(tag: number, field: string): this {
    if (this.tag !== tag) {
      throw malformed(`${field}: expected tag 0x${tag.toString(16)}, found 0x${this.tag.toString(16)}`);
    }
    return this;
  }
}

/** Walks the elements of one constructed value; `end` demands that nothing is left. */
export class DerCursor {
  readonly #source: Bytes;
  readonly #end: number;
  #at: number;

  constructor(source: Bytes, start: number, end: number) {
    this.#source = source;
    this.#at = start;
    this.#end = end;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#end;
  }

  get peekTag(): number {
    return this.isAtEnd ? -1 : (this.#source[this.#at] as number);
  }

  next(): DerElement {
    if (this.isAtEnd) throw malformed('an element is missing');
    const element = readElement(this.#source, this.#at, this.#end);
    this.#at = element.end;
    return element;
  }

  take(tag: number, field: string): DerElement {
    if (this.isAtEnd) throw malformed(`${field} is missing`);
    return this.next().expect(tag, field);
  }

  /** The next element when it has this tag. */
  optional(tag: number): DerElement | undefined {
    return this.peekTag === tag ? this.next() : undefined;
  }

  end(field: string): void {
    if (!this.isAtEnd) throw malformed(`${field}: ${this.#end - this.#at} unexpected bytes`);
  }
}

/** The single element that fills `bytes`, checked to be DER at every level. */
export function parseWholeDer(bytes: Bytes, field: string): DerElement {
  const element = parseDer(bytes, field);
  checkDer(element);
  return element;
}

/** The single element that fills `bytes`. Only the outermost header is checked; see `checkDer`. */
export function parseDer(bytes: Bytes, field: string): DerElement {
  const element = readElement(bytes, 0, bytes.length);
  if (element.end !== bytes.length) throw malformed(`${field}: ${bytes.length - element.end} trailing bytes`);
  return element;
}

/** The element that begins at this offset. */
export function elementAt(source: Bytes, offset: number): DerElement {
  return readElement(source, offset, source.length);
}

function readElement(source: Bytes, at: number, limit: number): DerElement {
  const length = readLength(source, at, limit);
  const contentStart = at + headerSize(length);
  return new DerElement(source, source[at] as number, at, contentStart, contentStart + length);
}

/** X.690 §10.1: definite lengths in the fewest bytes; only low tag numbers exist in X.509. */
function readLength(source: Bytes, at: number, limit: number): number {
  if (limit - at < 2) throw malformed('an element is cut off');
  if (((source[at] as number) & 0x1f) === 0x1f) throw malformed('a tag number is out of range');
  let length = source[at + 1] as number;
  if (length >= 0x80) {
    const count = length & 0x7f;
    if (count === 0) throw malformed('an indefinite length (BER) was used');
    if (count > 4 || limit - at - 2 < count) throw malformed('a length is out of range');
    length = 0;
    for (let i = 0; i < count; i += 1) length = length * 256 + (source[at + 2 + i] as number);
    if (length < 0x80 || length < 256 ** (count - 1)) throw malformed('a length is not minimal');
  }
  if (length > limit - at - headerSize(length)) throw malformed('an element is longer than what holds it');
  return length;
}

/** A minimal header is as long as its length makes it. */
function headerSize(length: number): number {
  if (length < 0x80) return 2;
  if (length < 0x100) return 3;
  if (length < 0x1_0000) return 4;
  return length < 0x100_0000 ? 5 : 6;
}

/** Checks a whole value: every nested header and the content of every universal type. */
export function checkDer({ source, tag, start, contentStart, end }: DerElement): void {
  checkValue(source, tag, start, contentStart, end, 0);
}

/** Works on offsets: a certificate has a hundred elements, and each would cost an object. */
function checkValue(source: Bytes, tag: number, start: number, contentStart: number, end: number, depth: number): void {
  if (depth > MAX_DEPTH) throw malformed(`nested deeper than ${MAX_DEPTH} levels`);
  if ((tag & 0xc0) === 0) checkUniversal(source, tag, start, contentStart, end);
  if ((tag & 0x20) === 0) return;
  let previous = -1;
  for (let at = contentStart; at < end; ) {
    const length = readLength(source, at, end);
    const childContent = at + headerSize(length);
    const childEnd = childContent + length;
    checkValue(source, source[at] as number, at, childContent, childEnd, depth + 1);
    if (tag === TAG.set && previous !== -1 && Buffer.compare(source.subarray(previous, at), source.subarray(at, childEnd)) > 0) {
      throw malformed('a SET OF is not sorted');
    }
    previous = at;
    at = childEnd;
  }
}

function checkUniversal(source: Bytes, tag: number, start: number, contentStart: number, end: number): void {
  switch (tag) {
    case TAG.sequence:
    case TAG.set:
    case TAG.octetString:
    case TAG.teletexString:
      return;
    case TAG.null:
      if (end !== contentStart) throw malformed('a NULL has content');
      return;
    case TAG.oid:
      checkOid(source, contentStart, end);
      return;
    default:
      if (!isPlainString(source, tag, contentStart, end)) checkContent(new DerElement(source, tag, start, contentStart, end));
  }
}

/** UTF8String, PrintableString and IA5String of letters, digits and what else is in all of them: nearly every string. */
function isPlainString(source: Bytes, tag: number, contentStart: number, end: number): boolean {
  if (tag !== TAG.utf8String && tag !== TAG.printableString && tag !== TAG.ia5String) return false;
  for (let i = contentStart; i < end; i += 1) {
    const byte = source[i] as number;
    const isPlain = (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x2c && byte <= 0x3a) || byte === 0x20;
    if (!isPlain) return false;
  }
  return true;
}

function checkContent(element: DerElement): void {
  switch (element.tag) {
    case TAG.boolean:
      return checkBoolean(element, 'BOOLEAN');
    case TAG.integer:
    case TAG.enumerated:
      return checkInteger(element, 'INTEGER');
    case TAG.bitString:
      return checkBitString(element, 'BIT STRING');
    case TAG.utcTime:
      utcTime(element, 'UTCTime');
      return;
    case TAG.generalizedTime:
      generalizedTime(element, 'GeneralizedTime');
      return;
    default:
      if (!STRING_TAGS.has(element.tag)) throw malformed(`tag 0x${element.tag.toString(16)} has no place in a certificate`);
      stringOf(element, 'string');
  }
}

const STRING_TAGS: ReadonlySet<number> = new Set([
  TAG.utf8String,
  TAG.numericString,
  TAG.printableString,
  TAG.teletexString,
  TAG.ia5String,
  TAG.visibleString,
  TAG.universalString,
  TAG.bmpString,
]);

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of any ASN.1 string type, refused when a byte lies outside the type's alphabet. */
export function stringOf(element: DerElement, field: string): string {
  const content = element.content;
  switch (element.tag) {
    case TAG.utf8String:
      try {
        return strictUtf8.decode(content);
      } catch (cause) {
        throw new XpsError('certificate_malformed', { detail: `${field} is not UTF-8`, cause });
      }
    case TAG.numericString:
      return matching(content, /^[0-9 ]*$/, field);
    case TAG.printableString:
      return matching(content, /^[A-Za-z0-9 '()+,\-./:=?]*$/, field);
    case TAG.ia5String:
      // eslint-disable-next-line no-control-regex -- the alphabet of IA5String is all of ASCII
      return matching(content, /^[\x00-\x7f]*$/, field);
    case TAG.visibleString:
      return matching(content, /^[\x20-\x7e]*$/, field);
    case TAG.teletexString:
      return latin1(content);
    case TAG.bmpString:
      return wideText(content, 2, field);
    case TAG.universalString:
      return wideText(content, 4, field);
    default:
      throw malformed(`${field} is not a string`);
  }
}

export function latin1(bytes: Bytes): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

function matching(content: Bytes, alphabet: RegExp, field: string): string {
  const text = latin1(content);
  if (!alphabet.test(text)) throw malformed(`${field} has characters outside its string type`);
  return text;
}

function wideText(content: Bytes, width: 2 | 4, field: string): string {
  if (content.length % width !== 0) throw malformed(`${field} is cut off`);
  let text = '';
  for (let at = 0; at < content.length; at += width) {
    let point = 0;
    for (let i = 0; i < width; i += 1) point = point * 256 + (content[at + i] as number);
    if (point > 0x10_ffff || (point >= 0xd800 && point <= 0xdfff)) throw malformed(`${field} has an invalid character`);
    text += String.fromCodePoint(point);
  }
  return text;
}

function checkBoolean(element: DerElement, field: string): void {
  const value = element.source[element.contentStart];
  if (element.length !== 1 || (value !== 0 && value !== 0xff)) throw malformed(`${field} is not a DER BOOLEAN`);
}

function checkInteger(element: DerElement, field: string): void {
  const { source, contentStart, length } = element;
  if (length === 0) throw malformed(`${field} is empty`);
  if (length === 1) return;
  const first = source[contentStart] as number;
  const nextIsHigh = ((source[contentStart + 1] as number) & 0x80) !== 0;
  if ((first === 0 && !nextIsHigh) || (first === 0xff && nextIsHigh)) throw malformed(`${field} is not minimal`);
}

function checkBitString(element: DerElement, field: string): void {
  const unused = element.source[element.contentStart];
  if (element.length === 0 || unused === undefined || unused > 7 || (element.length === 1 && unused !== 0)) {
    throw malformed(`${field} is not a BIT STRING`);
  }
  const last = element.source[element.end - 1] as number;
  if (unused > 0 && (last & ((1 << unused) - 1)) !== 0) throw malformed(`${field} has unused bits set`);
}

/** A BIT STRING with named bits (X.690 §11.2.2: no trailing zero bits). Bit 0 is the most significant. */
export function namedBits(element: DerElement, field: string): ReadonlySet<number> {
  const unused = element.source[element.contentStart] ?? 0;
  checkBitString(element, field);
  const bytes = element.source.subarray(element.contentStart + 1, element.end);
  const bits = new Set<number>();
  for (let i = 0; i < bytes.length * 8 - unused; i += 1) {
    if (((bytes[i >> 3] as number) & (0x80 >> (i & 7))) !== 0) bits.add(i);
  }
  if (bytes.length > 0 && !bits.has(bytes.length * 8 - unused - 1)) throw malformed(`${field} has trailing zero bits`);
  return bits;
}

const MAX_OID_BYTES = 64;
const oidTexts = new Map<string, string>();
const OID_CACHE_ENTRIES = 4096;

/** X.690 §8.19: whole arcs, each in the fewest bytes. */
function checkOid(source: Bytes, start: number, end: number): void {
  if (end - start > MAX_OID_BYTES) throw malformed('an object identifier is too long');
  let isFresh = true;
  for (let i = start; i < end; i += 1) {
    const byte = source[i] as number;
    if (isFresh && byte === 0x80) throw malformed('an object identifier is not minimal');
    isFresh = byte < 0x80;
  }
  if (start === end || !isFresh) throw malformed('an object identifier is cut off');
}

function decodeOid(element: DerElement): string {
  const { source, contentStart, end } = element;
  const key = latin1(source.subarray(contentStart, end));
  const known = oidTexts.get(key);
  if (known !== undefined) return known;
  checkOid(source, contentStart, end);
  const text = oidText(element.content);
  if (oidTexts.size >= OID_CACHE_ENTRIES) oidTexts.clear();
  oidTexts.set(key, text);
  return text;
}

/** The content was checked. */
function oidText(bytes: Bytes): string {
  const arcs: bigint[] = [];
  let arc = 0n;
  for (const byte of bytes) {
    arc = (arc << 7n) | BigInt(byte & 0x7f);
    if (byte >= 0x80) continue;
    arcs.push(arc);
    arc = 0n;
  }
  const [first = 0n, ...rest] = arcs;
  const root = first < 80n ? first / 40n : 2n;
  return [root, first - root * 40n, ...rest].join('.');
}

function integerOf(bytes: Bytes): bigint {
  const magnitude = BigInt(`0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`);
  const isNegative = ((bytes[0] as number) & 0x80) !== 0;
  return isNegative ? magnitude - (1n << BigInt(bytes.length * 8)) : magnitude;
}

function utcTime(element: DerElement, field: string): number {
  const text = latin1(element.content);
  if (!/^\d{12}Z$/.test(text)) throw malformed(`${field} is not YYMMDDHHMMSSZ`);
  const year = Number(text.slice(0, 2));
  return calendarTime(year >= 50 ? 1900 + year : 2000 + year, text.slice(2), field);
}

function generalizedTime(element: DerElement, field: string): number {
  const text = latin1(element.content);
  if (!/^\d{14}Z$/.test(text)) throw malformed(`${field} is not YYYYMMDDHHMMSSZ`);
  return calendarTime(Number(text.slice(0, 4)), text.slice(4), field);
}

function calendarTime(year: number, rest: string, field: string): number {
  const part = (at: number): number => Number(rest.slice(at, at + 2));
  const [month, day, hour, minute, second] = [part(0), part(2), part(4), part(6), part(8)];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  const isReal =
    date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  if (!isReal) throw malformed(`${field} is not a date`);
  return date.getTime();
}
