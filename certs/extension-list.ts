import type { Bytes } from '../base/bytes.ts';
import { type DerElement, malformed, parseWholeDer, TAG } from './der.ts';

/** One extension of a certificate, a CRL, a CRL entry or an OCSP answer: they share one syntax (RFC 5280 §4.1). */
export interface Extension {
  readonly oid: string;
  readonly isCritical: boolean;
  /** The content of extnValue. */
  readonly value: Bytes;
}

/** RFC 5280 §4.2: no extension twice; §4.1.2.9: the list, where present, is not empty. */
export function parseExtensions(list: DerElement, field: string): ReadonlyMap<string, Extension> {
  const found = new Map<string, Extension>();
  for (const element of list.expect(TAG.sequence, field).children()) {
    const extension = parseExtension(element, field);
    if (found.has(extension.oid)) throw malformed(`${field}: extension ${extension.oid} occurs twice`);
    found.set(extension.oid, extension);
  }
  if (found.size === 0) throw malformed(`${field}: the list of extensions is empty`);
  return found;
}

function parseExtension(element: DerElement, field: string): Extension {
  const cursor = element.expect(TAG.sequence, field).cursor();
  const oid = cursor.take(TAG.oid, field).oid(field);
  const critical = cursor.optional(TAG.boolean)?.boolean(field);
  if (critical === false) throw malformed(`${field}: extension ${oid} spells out a default`);
  const value = cursor.take(TAG.octetString, field).octets(field);
  cursor.end(field);
  return { oid, isCritical: critical === true, value };
}

/** The value of an extension as one strict DER element. */
export function extensionValue(extension: Extension, name: string): DerElement {
  return parseWholeDer(extension.value, name);
}

export function forbidCritical(extension: Extension, name: string): void {
  if (extension.isCritical) throw malformed(`${name} must not be critical`);
}

export function demandCritical(extension: Extension, name: string): void {
  if (!extension.isCritical) throw malformed(`${name} must be critical`);
}
