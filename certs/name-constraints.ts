import type { Bytes } from '../base/bytes.ts';
import type { Certificate } from './certificate.ts';
import { contextConstructed, parseDer } from './der.ts';
import { type GeneralName, isHostName, parseMailbox, parseUri } from './general-names.ts';
import { isWithin } from './names.ts';
import { SMTP_UTF8_MAILBOX } from './oids.ts';
import { type Failure, failure } from './verdict.ts';
import type { Work } from './work.ts';

/** RFC 5280 §6.1.3 (b), (c): whether the names of `certificate` keep within the constraints of one CA above it. */
export function nameConstraintFailure(ca: Certificate, certificate: Certificate, work: Work): Failure | undefined {
  const { nameConstraints } = ca.extensions;
  if (nameConstraints === undefined) return undefined;
  const { permitted, excluded } = nameConstraints;
  for (const name of constrainedNames(certificate)) {
    work.nameComparisons(permitted.length + excluded.length + 1);
    const problem = problemOf(name, permitted, excluded);
    if (problem !== undefined) return failure('constraint', certificate, `${problem} ${ca.subject.text}`);
  }
  return undefined;
}

/** The alternative names, the subject, and the e-mail addresses of old that stand in the subject. */
function constrainedNames({ subject, extensions }: Certificate): GeneralName[] {
  const names: GeneralName[] = [...(extensions.subjectAltNames ?? [])];
  if (subject.rdnKeys.length > 0) names.push({ kind: 'directory', value: subject });
  for (const value of subject.emails) names.push({ kind: 'email', value });
  return names;
}

function problemOf(name: GeneralName, permitted: readonly GeneralName[], excluded: readonly GeneralName[]): string | undefined {
  const kind = kindOf(name);
  const allowed = permitted.filter((base) => kindOf(base) === kind);
  const forbidden = excluded.filter((base) => kindOf(base) === kind);
  const constraints = isUtf8Mailbox(name) ? [...permitted, ...excluded].filter((base) => base.kind === 'email') : [...allowed, ...forbidden];
  if (constraints.length === 0) return undefined;
  // RFC 5280 §4.2.1.10: process the constraint or refuse the certificate.
  if (!isComparable(name)) return `a name cannot be compared with the constraints of`;
  if (forbidden.some((base) => intersects(name, base))) return `a ${kind} name is excluded by`;
  if (allowed.length > 0 && !allowed.some((base) => isInside(name, base))) return `a ${kind} name is not permitted by`;
  return undefined;
}

/** Constraints bind names of their own kind; for the kinds that are not interpreted, of the same tag. */
function kindOf(name: GeneralName): string {
  return name.kind === 'other' ? `type ${(name.value[0] as number) & 0x1f}` : name.kind;
}

function isComparable(name: GeneralName): boolean {
  switch (name.kind) {
    case 'uri': {
      const host = parseUri(name.value)?.host;
      return host !== undefined && isHostName(host.replaceAll('_', '-'));
    }
    case 'email':
      return parseMailbox(name.value) !== undefined;
    case 'other':
      return false;
    default:
      return true;
  }
}

/** RFC 9598 §6: constraints on e-mail addresses bind internationalised ones, which nobody here compares. */
function isUtf8Mailbox(name: GeneralName): boolean {
  if (name.kind !== 'other' || name.value[0] !== contextConstructed(0)) return false;
  return parseDer(name.value, 'otherName').cursor().next().oid('otherName') === SMTP_UTF8_MAILBOX;
}

/** Every name that `name` stands for lies in the subtree. */
function isInside(name: GeneralName, base: GeneralName): boolean {
  if (name.kind === 'dns' && base.kind === 'dns') return isInDomain(withoutWildcard(name.value), base.value);
  return matches(name, base);
}

/** Some name that `name` stands for lies in the subtree: `*.a.b` meets `a.b`, and `x.a.b` too. */
function intersects(name: GeneralName, base: GeneralName): boolean {
  if (name.kind === 'dns' && base.kind === 'dns' && name.value.startsWith('*.')) {
    const domain = withoutWildcard(name.value);
    const isChild = base.value.slice(base.value.indexOf('.') + 1) === domain && base.value.includes('.');
    return isChild || isInDomain(domain, base.value);
  }
  return matches(name, base);
}

function withoutWildcard(name: string): string {
  return name.startsWith('*.') ? name.slice(2) : name;
}

/** RFC 5280 §4.2.1.10: the domain itself and everything below it. */
function isInDomain(name: string, domain: string): boolean {
  return domain === '' || name === domain || name.endsWith(`.${domain}`);
}

function matches(name: GeneralName, base: GeneralName): boolean {
  if (name.kind === 'dns' && base.kind === 'dns') return isInDomain(name.value, base.value);
  if (name.kind === 'ip' && base.kind === 'ip') return isInRange(name.value, base.value);
  if (name.kind === 'directory' && base.kind === 'directory') return isWithin(name.value, base.value);
  if (name.kind === 'uri' && base.kind === 'uri') return matchesHost(parseUri(name.value)?.host ?? '', base.value);
  if (name.kind === 'email' && base.kind === 'email') return matchesMailbox(name.value, base.value);
  return false;
}

/** A host, or with a leading period every host below it but not itself. */
function matchesHost(host: string, base: string): boolean {
  const domain = base.toLowerCase();
  return domain.startsWith('.') ? host.endsWith(domain) : host === domain;
}

function matchesMailbox(text: string, base: string): boolean {
  const mailbox = parseMailbox(text);
  if (mailbox === undefined) return false;
  if (!base.includes('@')) return matchesHost(mailbox.host, base);
  const wanted = parseMailbox(base);
  return mailbox.local === wanted?.local && mailbox.host === wanted.host;
}

function isInRange(address: Bytes, range: Bytes): boolean {
  if (range.length !== address.length * 2) return false;
  return address.every((byte, i) => {
    const mask = range[address.length + i] as number;
    return (byte & mask) === ((range[i] as number) & mask);
  });
}
