import { XpsError } from '../../base/errors.ts';
import { isHostName, nameProblem, parseMailbox, parseUri } from '../general-names.ts';
import { parseIpAddress } from '../ip-address.ts';

/** The names that a certificate is to carry, as people write them. */
export interface SubjectNames {
  readonly dns: readonly string[];
  /** Absolute URIs, `spiffe://` among them. */
  readonly uris: readonly string[];
  readonly ips: readonly string[];
  readonly emails: readonly string[];
}

export const NO_NAMES: SubjectNames = { dns: [], uris: [], ips: [], emails: [] };

/** The upper bound of a common name, RFC 5280 appendix A.1. */
const MAX_COMMON_NAME = 64;

export function refuse(detail: string): never {
  throw new XpsError('ca_request_invalid', { detail });
}

/** The label of a certificate: its common name, and after `fileLabel` the name of its files. */
export function checkLabel(name: string): void {
  if (name.length === 0 || name.length > MAX_COMMON_NAME) refuse(`a name has 1 to ${MAX_COMMON_NAME} characters`);
  if (/[\p{C}\p{Zl}\p{Zp}]/u.test(name)) refuse('a name must not hold invisible characters');
  if (name.trim() !== name) refuse('a name must not begin or end with a space');
}

/** Safe in every file system, and never `.`, `..` or a hidden file. */
export function fileLabel(name: string): string {
  const safe = name.replaceAll(/[^A-Za-z0-9._-]/g, '_');
  return /^[A-Za-z0-9]/.test(safe) ? safe : `_${safe}`;
}

export function hasNames(names: SubjectNames): boolean {
  return names.dns.length + names.uris.length + names.ips.length + names.emails.length > 0;
}

/** The names when nobody gave any: the label, if a rule `dns:…` could ask for it. */
export function namesOfLabel(label: string): SubjectNames {
  return isHostName(label) ? { ...NO_NAMES, dns: [label.toLowerCase()] } : NO_NAMES;
}

/** Throws `ca_request_invalid` for the first name that is none. */
export function checkNames(names: SubjectNames): void {
  for (const dns of names.dns) {
    if (nameProblem({ kind: 'dns', value: dns }) !== undefined) refuse(`"${dns}" is no DNS name`);
  }
  for (const uri of names.uris) {
    if (parseUri(uri) === undefined) refuse(`"${uri}" is no absolute URI`);
  }
  for (const ip of names.ips) {
    if (parseIpAddress(ip) === undefined) refuse(`"${ip}" is no IP address`);
  }
  for (const email of names.emails) {
    if (parseMailbox(email) === undefined) refuse(`"${email}" is no e-mail address`);
  }
  if (names.uris.some((uri) => /^spiffe:/i.test(uri)) && names.uris.length > 1) {
    refuse('a certificate with a SPIFFE ID has no other URI (X.509-SVID §2)');
  }
}
