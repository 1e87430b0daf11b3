import type { Bytes } from '../base/bytes.ts';
import { toHex } from '../base/bytes.ts';
import { context, contextConstructed, type DerElement, malformed, latin1 } from './der.ts';
import { type Name, parseName } from './names.ts';

/** A GeneralName (RFC 5280 §4.2.1.6). Text is lower case where case does not matter. */
export type GeneralName =
  | { readonly kind: 'dns'; readonly value: string }
  | { readonly kind: 'email'; readonly value: string }
  | { readonly kind: 'uri'; readonly value: string }
  | { readonly kind: 'ip'; readonly value: Bytes }
  | { readonly kind: 'directory'; readonly value: Name }
  | { readonly kind: 'other'; readonly value: Bytes };

/** `value` of `other` is the whole DER: those types are compared, never interpreted. */
const OTHER_TAGS: ReadonlySet<number> = new Set([
  contextConstructed(0), // otherName
  contextConstructed(3), // x400Address
  contextConstructed(5), // ediPartyName
  context(8), // registeredID
]);

/** The raw form; whether the text is a proper name is decided by `nameProblem` or by the constraint rules. */
export function parseGeneralName(element: DerElement, field: string): GeneralName {
  switch (element.tag) {
    case context(1):
      return { kind: 'email', value: ia5(element, field) };
    case context(2):
      return { kind: 'dns', value: ia5(element, field).toLowerCase() };
    case contextConstructed(4): {
      const cursor = element.cursor();
      const name = parseName(cursor.next(), field);
      cursor.end(field);
      return { kind: 'directory', value: name };
    }
    case context(6):
      return { kind: 'uri', value: ia5(element, field) };
    case context(7):
      return { kind: 'ip', value: element.content };
    default:
      if (!OTHER_TAGS.has(element.tag)) throw malformed(`${field} has a name of an unknown type`);
      return { kind: 'other', value: element.raw };
  }
}

export function parseGeneralNames(element: DerElement, field: string): GeneralName[] {
  const names = element.children().map((child) => parseGeneralName(child, field));
  if (names.length === 0) throw malformed(`${field} is empty`);
  return names;
}

/** Equality of two general names, for distribution points and CRL issuers. */
export function generalNameKey(name: GeneralName): string {
  if (name.kind === 'ip' || name.kind === 'other') return `${name.kind}:${toHex(name.value)}`;
  return `${name.kind}:${name.kind === 'directory' ? name.value.key : name.value}`;
}

/** What is wrong with a subject alternative name, or undefined. RFC 5280 §4.2.1.6. */
export function nameProblem(name: GeneralName): string | undefined {
  switch (name.kind) {
    case 'dns':
      return isHostName(name.value.startsWith('*.') ? name.value.slice(2) : name.value)
        ? undefined
        : 'a DNS name is not in preferred name syntax';
    case 'email':
      return parseMailbox(name.value) === undefined ? 'an e-mail address is malformed' : undefined;
    case 'uri':
      return parseUri(name.value) === undefined ? 'a URI is malformed' : undefined;
    case 'ip':
      return name.value.length === 4 || name.value.length === 16 ? undefined : 'an IP address has a wrong length';
    default:
      return undefined;
  }
}

/** RFC 1034 §3.5 with RFC 1123 §2.1: letters, digits, hyphens; a numeric last label would be an IPv4 address. */
export function isHostName(name: string): boolean {
  if (name.length === 0 || name.length > 253) return false;
  const labels = name.split('.');
  const isNumericEnd = /^[0-9]+$/.test(labels.at(-1) ?? '');
  return !isNumericEnd && labels.every((label) => /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/.test(label));
}

/** Local part (case matters) and lower-case host of a mailbox, RFC 2821 §4.1.2 without quoted local parts. */
export function parseMailbox(text: string): { local: string; host: string } | undefined {
  const at = text.lastIndexOf('@');
  const local = text.slice(0, Math.max(at, 0));
  const host = text.slice(at + 1).toLowerCase();
  if (!/^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/.test(local)) return undefined;
  return isHostName(host) ? { local, host } : undefined;
}

export interface ParsedUri {
  readonly scheme: string;
  /** Lower-case host, undefined when there is no authority. An IP address is a host, too. */
  readonly host: string | undefined;
  readonly isIpHost: boolean;
}

/** RFC 3986 §3, absolute form. Undefined when the text is not a URI. */
export function parseUri(text: string): ParsedUri | undefined {
  const parts = /^([A-Za-z][A-Za-z0-9+.-]*):(.+)$/.exec(text);
  if (parts === null || !/^([A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*$/.test(text)) return undefined;
  const scheme = (parts[1] as string).toLowerCase();
  const authority = /^\/\/([^/?#]*)/.exec(parts[2] as string)?.[1];
  if (authority === undefined) return { scheme, host: undefined, isIpHost: false };
  const hostPort = authority.slice(authority.lastIndexOf('@') + 1);
  const host = /^(\[[0-9A-Fa-f:.]+\]|[^:[\]]*)(?::[0-9]*)?$/.exec(hostPort)?.[1]?.toLowerCase();
  if (host === undefined) return undefined;
  if (host === '') return { scheme, host: undefined, isIpHost: false };
  return { scheme, host, isIpHost: host.startsWith('[') || /^[0-9.]+$/.test(host) };
}

function ia5(element: DerElement, field: string): string {
  const text = latin1(element.content);
  // eslint-disable-next-line no-control-regex -- the alphabet of IA5String, without its invisible half
  if (!/^[\x20-\x7e]*$/.test(text)) throw malformed(`${field} has characters outside printable ASCII`);
  return text;
}
