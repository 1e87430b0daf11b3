import { contextConstructed, type DerElement, malformed, TAG } from './der.ts';
import { type GeneralName, isHostName, parseGeneralName, parseMailbox } from './general-names.ts';

/** Name constraints as a CA states them: RFC 5280 §4.2.1.10. Deciding about names is name-constraints.ts. */
export interface NameConstraints {
  readonly permitted: readonly GeneralName[];
  readonly excluded: readonly GeneralName[];
}

export function parseNameConstraints(element: DerElement): NameConstraints {
  const field = 'nameConstraints';
  const cursor = element.expect(TAG.sequence, field).cursor();
  const permitted = cursor.optional(contextConstructed(0));
  const excluded = cursor.optional(contextConstructed(1));
  cursor.end(field);
  if (permitted === undefined && excluded === undefined) throw malformed(`${field} is empty`);
  return { permitted: subtrees(permitted, field), excluded: subtrees(excluded, field) };
}

function subtrees(list: DerElement | undefined, field: string): GeneralName[] {
  if (list === undefined) return [];
  const bases = list.children().map((child) => subtree(child, field));
  if (bases.length === 0) throw malformed(`${field} has an empty list`);
  return bases;
}

/** `minimum` is always 0, which DER leaves out, and `maximum` is never there in this profile. */
function subtree(element: DerElement, field: string): GeneralName {
  const cursor = element.expect(TAG.sequence, field).cursor();
  if (cursor.isAtEnd) throw malformed(`${field} has a subtree without a base`);
  const base = parseGeneralName(cursor.next(), field);
  cursor.end(`${field} minimum or maximum`);
  const problem = baseProblem(base);
  if (problem !== undefined) throw malformed(`${field}: ${problem}`);
  return base;
}

function baseProblem(base: GeneralName): string | undefined {
  switch (base.kind) {
    case 'dns':
      // Empty: every name. A leading period is a form of URI and e-mail constraints only.
      return base.value === '' || isHostName(base.value) ? undefined : 'a DNS subtree is malformed';
    case 'uri':
      return isDomain(base.value) ? undefined : 'a URI subtree is neither a host nor a domain';
    case 'email':
      return isDomain(base.value) || parseMailbox(base.value) !== undefined ? undefined : 'an e-mail subtree is malformed';
    case 'ip':
      return isAddressRange(base.value) ? undefined : 'an IP subtree is not an address and a contiguous mask';
    case 'directory':
    case 'other':
      return undefined;
  }
}

/** A host, or a domain with a leading period that means its subdomains only. */
function isDomain(text: string): boolean {
  return isHostName(text.startsWith('.') ? text.slice(1) : text);
}

function isAddressRange(bytes: Uint8Array): boolean {
  if (bytes.length !== 8 && bytes.length !== 32) return false;
  const mask = [...bytes.subarray(bytes.length / 2)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return !mask.includes('01');
}
