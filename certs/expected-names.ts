import { equalBytes } from '../base/bytes.ts';
import type { Certificate } from './certificate.ts';
import { type GeneralName, isHostName, parseMailbox, parseUri } from './general-names.ts';
import type { ExpectedName } from './request.ts';
import { type Failure, failure } from './verdict.ts';

/** RFC 9525 §6: whether the leaf carries all the names that are asked for. Only subjectAltName counts. */
export function nameFailure(leaf: Certificate, expected: readonly ExpectedName[]): Failure | undefined {
  const names = leaf.extensions.subjectAltNames ?? [];
  const missing = expected.find((wanted) => !names.some((name) => isNamed(name, wanted)));
  return missing === undefined ? undefined : failure('wrong_name', leaf, `the certificate does not carry the ${missing.kind} name that is asked for`);
}

function isNamed(name: GeneralName, wanted: ExpectedName): boolean {
  if (name.kind === 'dns' && wanted.kind === 'dns') return matchesHostName(name.value, wanted.value.toLowerCase());
  if (name.kind === 'ip' && wanted.kind === 'ip') return equalBytes(name.value, wanted.value);
  if (name.kind === 'uri' && wanted.kind === 'uri') return isSameUri(name.value, wanted.value);
  if (name.kind === 'email' && wanted.kind === 'email') return isSameMailbox(name.value, wanted.value);
  return false;
}

/** A wildcard stands for exactly one whole label, and for no name directly under a top-level domain. */
function matchesHostName(pattern: string, host: string): boolean {
  if (!isHostName(host)) return false;
  if (!pattern.startsWith('*.')) return pattern === host;
  const domain = pattern.slice(2);
  return domain.includes('.') && host.slice(host.indexOf('.') + 1) === domain && host.length > domain.length + 1;
}

/** Scheme and host without case, all else exactly (RFC 3986 §6.2.2.1; SPIFFE IDs compare the same way). */
function isSameUri(a: string, b: string): boolean {
  const [left, right] = [normalised(a), normalised(b)];
  return left !== undefined && left === right;
}

function normalised(uri: string): string | undefined {
  const parsed = parseUri(uri);
  if (parsed === undefined) return undefined;
  const parts = /^([^:]*)(:(?:\/\/[^/?#]*)?)(.*)$/s.exec(uri) as RegExpExecArray;
  return `${parts[1]?.toLowerCase()}${parts[2]?.toLowerCase()}${parts[3]}`;
}

function isSameMailbox(a: string, b: string): boolean {
  const [left, right] = [parseMailbox(a), parseMailbox(b)];
  return left !== undefined && left.local === right?.local && left.host === right.host;
}
