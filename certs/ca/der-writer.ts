import { type Bytes, concat, utf8 } from '../../base/bytes.ts';
import { context, contextConstructed, TAG } from '../der.ts';

/** Writes the few values that the certificate library has no class for. Always DER (X.690 §10, §11). */

export function element(tag: number, ...parts: readonly Bytes[]): Bytes {
  const content = concat(parts);
  return concat([Uint8Array.of(tag, ...lengthOctets(content.length)), content]);
}

export function sequence(...parts: readonly Bytes[]): Bytes {
  return element(TAG.sequence, ...parts);
}

/** A non-negative number. */
export function integer(value: number): Bytes {
  return element(TAG.integer, magnitude(value));
}

/** A positive number, big-endian. */
export function integerOctets(octets: Bytes): Bytes {
  const isHigh = (octets[0] ?? 0) >= 0x80;
  return element(TAG.integer, isHigh ? Uint8Array.of(0) : new Uint8Array(0), octets);
}

export function octetString(content: Bytes): Bytes {
  return element(TAG.octetString, content);
}

export function oid(text: string): Bytes {
  const [first, second, ...rest] = text.split('.').map(Number) as [number, number, ...number[]];
  return element(TAG.oid, Uint8Array.from([first * 40 + second, ...rest].flatMap(base128)));
}

/** `[number]` in front of a value that keeps its own tag. */
export function explicit(number: number, ...parts: readonly Bytes[]): Bytes {
  return element(contextConstructed(number), ...parts);
}

/** `[number]` in place of the tag of a string. */
export function implicitText(number: number, text: string): Bytes {
  return element(context(number), utf8(text));
}

export function implicitOctets(number: number, octets: Bytes): Bytes {
  return element(context(number), octets);
}

function magnitude(value: number): Bytes {
  const octets: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  if (octets.length === 0 || (octets[0] as number) >= 0x80) octets.unshift(0);
  return Uint8Array.from(octets);
}

function lengthOctets(length: number): readonly number[] {
  if (length < 0x80) return [length];
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return [0x80 | octets.length, ...octets];
}

function base128(arc: number): readonly number[] {
  const octets = [arc % 128];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) octets.unshift(0x80 | (rest % 128));
  return octets;
}
