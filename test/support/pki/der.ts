// Writes DER, and on purpose what is not DER: tests of strict readers need both.
import { concat, fromHex, utf8, type Bytes } from '../../../base/bytes.ts';

export function tlv(tag: number, ...content: readonly Bytes[]): Bytes {
  const body = concat(content);
  return concat([Uint8Array.of(tag), lengthOf(body.length), body]);
}

function lengthOf(length: number): Bytes {
  if (length < 0x80) return Uint8Array.of(length);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Uint8Array.of(0x80 | bytes.length, ...bytes);
}

export const sequence = (...parts: readonly Bytes[]): Bytes => tlv(0x30, ...parts);
export const setOf = (...parts: readonly Bytes[]): Bytes => tlv(0x31, ...parts.toSorted((a, b) => Buffer.compare(a, b)));
export const boolean = (value: boolean): Bytes => tlv(0x01, Uint8Array.of(value ? 0xff : 0));
export const octets = (...parts: readonly Bytes[]): Bytes => tlv(0x04, ...parts);
export const bitString = (bytes: Bytes, unused = 0): Bytes => tlv(0x03, Uint8Array.of(unused), bytes);
export const nothing: Bytes = tlv(0x05);
export const enumerated = (value: number): Bytes => tlv(0x0a, Uint8Array.of(value));
export const utf8String = (text: string): Bytes => tlv(0x0c, utf8(text));
export const printable = (text: string): Bytes => tlv(0x13, utf8(text));
export const ia5 = (text: string): Bytes => tlv(0x16, utf8(text));
/** Context tags: implicit over primitive content, and constructed (explicit, or implicit over a constructed type). */
export const implicit = (number: number, content: Bytes): Bytes => tlv(0x80 | number, content);
export const explicit = (number: number, ...content: readonly Bytes[]): Bytes => tlv(0xa0 | number, ...content);

export function integer(value: bigint | number): Bytes {
  const wanted = BigInt(value);
  let length = 1;
  while (BigInt.asIntN(length * 8, wanted) !== wanted) length += 1;
  const hex = BigInt.asUintN(length * 8, wanted).toString(16).padStart(length * 2, '0');
  return tlv(0x02, fromHex(hex));
}

export function oid(text: string): Bytes {
  const [first, second, ...rest] = text.split('.').map(BigInt) as [bigint, bigint, ...bigint[]];
  return tlv(0x06, concat([first * 40n + second, ...rest].map(base128)));
}

function base128(arc: bigint): Bytes {
  const bytes = [Number(arc & 0x7fn)];
  for (let rest = arc >> 7n; rest > 0n; rest >>= 7n) bytes.unshift(Number(rest & 0x7fn) | 0x80);
  return Uint8Array.from(bytes);
}

/** UTCTime until 2049, GeneralizedTime from 2050, as RFC 5280 §4.1.2.5 wants it. */
export function time(ms: number): Bytes {
  const year = new Date(ms).getUTCFullYear();
  return year >= 1950 && year < 2050 ? tlv(0x17, utf8(digits(ms).slice(2))) : generalizedTime(ms);
}

export function generalizedTime(ms: number): Bytes {
  return tlv(0x18, utf8(digits(ms)));
}

function digits(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replaceAll(/[-T:]/g, '')}Z`;
}

/** `CN=a,O=b` in the order of encoding. */
export function name(text: string): Bytes {
  const types: Readonly<Record<string, string>> = { CN: '2.5.4.3', O: '2.5.4.10', OU: '2.5.4.11', C: '2.5.4.6', emailAddress: '1.2.840.113549.1.9.1' };
  if (text === '') return sequence();
  return sequence(
    ...text.split(',').map((part) => {
      const [type = '', value = ''] = part.split('=');
      return setOf(sequence(oid(types[type] ?? type), type === 'emailAddress' ? ia5(value) : utf8String(value)));
    }),
  );
}
