import type { Bytes } from '../base/bytes.ts';
import { toHex } from '../base/bytes.ts';
import { type DerElement, malformed, stringOf, TAG } from './der.ts';
import { EMAIL_ADDRESS_ATTRIBUTE } from './oids.ts';

/** A distinguished name: the DER as it was signed, comparable keys, and text for people. */
export interface Name {
  readonly der: Bytes;
  /** One key per RDN, in order. Two names are equal when their keys are (RFC 5280 §7.1). */
  readonly rdnKeys: readonly string[];
  /** All RDN keys joined: the key under which issuers are looked up. */
  readonly key: string;
  /** RFC 4514 string, most specific RDN first; control characters and commas are escaped. */
  readonly text: string;
  /** emailAddress attributes, to which rfc822 constraints apply (RFC 5280 §4.2.1.10). */
  readonly emails: readonly string[];
}

export interface Attribute {
  readonly type: string;
  readonly key: string;
  readonly text: string;
}

const SHORT_NAMES: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.4': 'SN',
  '2.5.4.5': 'serialNumber',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'STREET',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '2.5.4.12': 'title',
  '2.5.4.42': 'GN',
  '2.5.4.46': 'dnQualifier',
  '0.9.2342.19200300.100.1.1': 'UID',
  '0.9.2342.19200300.100.1.25': 'DC',
  [EMAIL_ADDRESS_ATTRIBUTE]: 'emailAddress',
};

const TYPES_BY_SHORT_NAME: ReadonlyMap<string, string> = new Map(
  Object.entries(SHORT_NAMES).map(([oid, short]) => [short.toLowerCase(), oid]),
);

const MAX_ATTRIBUTES = 4096;

/** RFC 5280 §4.1.2.4: SEQUENCE OF SET OF AttributeTypeAndValue. The element was checked to be DER. */
export function parseName(element: DerElement, field: string): Name {
  element.expect(TAG.sequence, field);
  const rdns: Attribute[][] = [];
  let count = 0;
  for (const rdn of element.children()) {
    const attributes = parseRdn(rdn, field);
    count += attributes.length;
    if (count > MAX_ATTRIBUTES) throw malformed(`${field} has more than ${MAX_ATTRIBUTES} attributes`);
    rdns.push(attributes);
  }
  return nameOf(element.raw, rdns);
}

/** A relative distinguished name, as distribution points carry it. */
export function parseRdn(element: DerElement, field: string): Attribute[] {
  const attributes = element.children().map((child) => parseAttribute(child, field));
  if (attributes.length === 0) throw malformed(`${field} has an empty relative name`);
  return attributes;
}

export function rdnKey(attributes: readonly Attribute[]): string {
  const [first] = attributes;
  if (attributes.length === 1 && first !== undefined) return first.key;
  return attributes.map((attribute) => attribute.key).toSorted().join('\u0001');
}

/** True when `name` lies within the subtree of `base` (RFC 5280 §4.2.1.10: the same leading RDNs). */
export function isWithin(name: Name, base: Name): boolean {
  return base.rdnKeys.length <= name.rdnKeys.length && base.rdnKeys.every((key, i) => key === name.rdnKeys[i]);
}

/** The comparison key of an RFC 4514 string, or undefined when it cannot be read. */
export function nameKeyOfText(text: string): string | undefined {
  const rdns = splitUnescaped(text, ',');
  const keys: string[] = [];
  for (const rdn of rdns.toReversed()) {
    const attributes: string[] = [];
    for (const part of splitUnescaped(rdn, '+')) {
      const key = attributeKeyOfText(part);
      if (key === undefined) return undefined;
      attributes.push(key);
    }
    keys.push(attributes.toSorted().join('\u0001'));
  }
  return keys.join('\u0002');
}

function parseAttribute(element: DerElement, field: string): Attribute {
  const cursor = element.expect(TAG.sequence, field).cursor();
  const type = cursor.take(TAG.oid, field).oid(field);
  if (cursor.isAtEnd) throw malformed(`${field} has an attribute without a value`);
  const value = cursor.next();
  cursor.end(field);
  return { type, ...attributeValue(type, value, field) };
}

/** String types whose characters are known for certain: what says the same in any of them is equal. */
const TEXT_TAGS: ReadonlySet<number> = new Set([
  TAG.utf8String,
  TAG.numericString,
  TAG.printableString,
  TAG.ia5String,
  TAG.visibleString,
  TAG.bmpString,
  TAG.universalString,
]);

/**
 * RFC 5280 §7.1 demands the comparison of PrintableString and UTF8String by their prepared text. The other types are
 * compared in the same way, so that a name cannot leave an excluded subtree by another encoding. T.61 strings beyond
 * ASCII mean different things to different people and compare as bytes.
 */
function attributeValue(type: string, value: DerElement, field: string): { key: string; text: string } {
  const isPlainTeletex = value.tag === TAG.teletexString && value.content.every((byte) => byte >= 0x20 && byte < 0x7f);
  if (TEXT_TAGS.has(value.tag) || isPlainTeletex) {
    const text = stringOf(value, field);
    return { key: `${type}=${prepared(text)}`, text };
  }
  return {
    key: `${type}#${toHex(value.raw)}`,
    text: value.tag === TAG.teletexString ? stringOf(value, field) : `#${toHex(value.raw)}`,
  };
}

/** RFC 4518 §2.2: white space of every kind is a space, what cannot be seen is nothing. */
const WHITE_SPACE = /[\t-\r\u0085]/gu;
const INVISIBLE = /[\p{Cc}\p{Default_Ignorable_Code_Point}\u06dd\u070f\ufff9-\ufffc]/gu;

/** Printable ASCII without a space at either end and without two in a row: what nothing but case can change. */
const PLAIN_TEXT = /^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/;

/** LDAP string preparation (RFC 4518) as RFC 5280 §7.1 asks for it: mapping, folding, composition, white space. */
function prepared(text: string): string {
  // Fast path: most names need none of the Unicode work.
  if (PLAIN_TEXT.test(text)) return text.toLowerCase();
  const isPlain = /^[\x20-\x7e]*$/.test(text);
  const composed = isPlain ? text.toLowerCase() : folded(text);
  return composed.trim().replaceAll(/\s+/g, ' ');
}

function folded(text: string): string {
  const mapped = text.replaceAll(WHITE_SPACE, ' ').replaceAll(INVISIBLE, '');
  // Upper case first: it folds what lower case alone keeps apart (sharp s, final sigma).
  return mapped.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC');
}

function nameOf(der: Bytes, rdns: readonly (readonly Attribute[])[]): Name {
  const rdnKeys = rdns.map(rdnKey);
  let text: string | undefined;
  const emails: string[] = [];
  for (const rdn of rdns) {
    for (const attribute of rdn) if (attribute.type === EMAIL_ADDRESS_ATTRIBUTE) emails.push(attribute.text);
  }
  return {
    der,
    rdnKeys,
    key: rdnKeys.join('\u0002'),
    emails,
    get text(): string {
      text ??= rdns.toReversed().map(rdnText).join(',');
      return text;
    },
  };
}

function rdnText(attributes: readonly Attribute[]): string {
  return attributes.map(({ type, text }) => `${SHORT_NAMES[type] ?? type}=${escaped(text)}`).join('+');
}

/** RFC 4514 §2.4, and everything invisible as \XX: the text reaches logs. */
function escaped(text: string): string {
  return text
    .replaceAll(/[\\,+"<>;=]/g, (character) => `\\${character}`)
    .replaceAll(/^[# ]| $/g, (character) => `\\${character}`)
    .replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) =>
      [...Buffer.from(character, 'utf8')].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join(''),
    );
}

function splitUnescaped(text: string, separator: ',' | '+'): string[] {
  const parts: string[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === separator) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

function attributeKeyOfText(part: string): string | undefined {
  const equals = part.indexOf('=');
  const label = part.slice(0, Math.max(equals, 0)).trim();
  const type = TYPES_BY_SHORT_NAME.get(label.toLowerCase()) ?? (/^\d+(\.\d+)+$/.test(label) ? label : undefined);
  if (type === undefined) return undefined;
  const value = unescaped(part.slice(equals + 1).trim());
  return value === undefined || value === '' ? undefined : `${type}=${prepared(value)}`;
}

function unescaped(text: string): string | undefined {
  const bytes: number[] = [];
  const source = Buffer.from(text, 'utf8');
  for (let at = 0; at < source.length; at += 1) {
    const byte = source[at] as number;
    if (byte !== 0x5c) {
      bytes.push(byte);
      continue;
    }
    const pair = source.subarray(at + 1, at + 3).toString('latin1');
    if (/^[0-9a-fA-F]{2}$/.test(pair)) {
      bytes.push(Number.parseInt(pair, 16));
      at += 2;
    } else if (pair !== '') {
      bytes.push(source[at + 1] as number);
      at += 1;
    } else {
      return undefined;
    }
  }
  return Buffer.from(bytes).toString('utf8');
}
