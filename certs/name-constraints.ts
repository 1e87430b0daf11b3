import type { Bytes } from '../base/bytes.ts';
import type { Certificate } from './certificate.ts';
import type { NameConstraints } from './constraint-subtrees.ts';
import { contextConstructed, parseDer } from './der.ts';
import { type GeneralName, isHostName, parseMailbox, parseUri } from './general-names.ts';
import { isWithin, type Name } from './names.ts';
import { SMTP_UTF8_MAILBOX } from './oids.ts';
import { type Failure, failure } from './verdict.ts';
import type { Work } from './work.ts';

/** RFC 5280 §6.1.3 (b), (c): whether the names of `certificate` keep within the constraints of one CA above it. */
export function nameConstraintFailure(ca: Certificate, certificate: Certificate, work: Work): Failure | undefined {
  const { nameConstraints } = ca.extensions;
  if (nameConstraints === undefined) return undefined;
  const constraints = preparedConstraints(nameConstraints);
  for (const name of constrainedNames(certificate)) {
    const problem = problemOf(name, constraints, work);
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

/** A name or a subtree in the form in which it is compared, prepared once for many comparisons. */
type Comparable =
  | { readonly kind: 'dns'; readonly domain: string; readonly isWildcard: boolean }
  | { readonly kind: 'ip'; readonly bytes: Bytes }
  | { readonly kind: 'directory'; readonly name: Name }
  | { readonly kind: 'uri'; readonly host: string }
  | { readonly kind: 'email'; readonly local: string | undefined; readonly host: string };

interface Subtrees {
  readonly permitted: Comparable[];
  readonly excluded: Comparable[];
}

/** Subtrees by the kind of names that they bind; kinds that nobody compares have an entry, too. */
type PreparedConstraints = ReadonlyMap<string, Subtrees>;

const prepared = new WeakMap<NameConstraints, PreparedConstraints>();

function preparedConstraints(constraints: NameConstraints): PreparedConstraints {
  const known = prepared.get(constraints);
  if (known !== undefined) return known;
  const byKind = new Map<string, Subtrees>();
  for (const list of ['permitted', 'excluded'] as const) {
    for (const base of constraints[list]) {
      const subtrees = byKind.get(kindOf(base)) ?? { permitted: [], excluded: [] };
      byKind.set(kindOf(base), subtrees);
      const comparable = comparableBase(base);
      if (comparable !== undefined) subtrees[list].push(comparable);
    }
  }
  prepared.set(constraints, byKind);
  return byKind;
}

function problemOf(name: GeneralName, constraints: PreparedConstraints, work: Work): string | undefined {
  // RFC 9598 §6: constraints on e-mail addresses bind internationalised ones, which nobody here compares.
  const subtrees = constraints.get(isUtf8Mailbox(name) && constraints.has('email') ? 'email' : kindOf(name));
  if (subtrees === undefined) return undefined;
  const { permitted, excluded } = subtrees;
  work.nameComparisons(permitted.length + excluded.length + 1);
  const comparable = comparableName(name);
  // RFC 5280 §4.2.1.10: process the constraint or refuse the certificate.
  if (comparable === undefined) return 'a name cannot be compared with the constraints of';
  if (excluded.some((base) => meets(comparable, base))) return `a name of the kind ${name.kind} is excluded by`;
  if (permitted.length > 0 && !permitted.some((base) => isInside(comparable, base))) return `a name of the kind ${name.kind} is not permitted by`;
  return undefined;
}

/** Constraints bind names of their own kind; for the kinds that are not interpreted, of the same tag. */
function kindOf(name: GeneralName): string {
  return name.kind === 'other' ? `type ${(name.value[0] as number) & 0x1f}` : name.kind;
}

function isUtf8Mailbox(name: GeneralName): boolean {
  if (name.kind !== 'other' || name.value[0] !== contextConstructed(0)) return false;
  const cursor = parseDer(name.value, 'otherName').cursor();
  return cursor.next().oid('otherName') === SMTP_UTF8_MAILBOX;
}

function comparableName(name: GeneralName): Comparable | undefined {
  switch (name.kind) {
    case 'dns': {
      const isWildcard = name.value.startsWith('*.');
      return { kind: 'dns', domain: isWildcard ? name.value.slice(2) : name.value, isWildcard };
    }
    case 'ip':
      return { kind: 'ip', bytes: name.value };
    case 'directory':
      return { kind: 'directory', name: name.value };
    case 'uri': {
      // A trust domain of SPIFFE may have underscores; an address is no host name, so it cannot be compared.
      const host = parseUri(name.value)?.host;
      return host === undefined || !isHostName(host.replaceAll('_', '-')) ? undefined : { kind: 'uri', host };
    }
    case 'email': {
      const mailbox = parseMailbox(name.value);
      return mailbox === undefined ? undefined : { kind: 'email', ...mailbox };
    }
    case 'other':
      return undefined;
  }
}

/** Subtrees were checked when they were read. */
function comparableBase(base: GeneralName): Comparable | undefined {
  switch (base.kind) {
    case 'uri':
      return { kind: 'uri', host: base.value.toLowerCase() };
    case 'email':
      return base.value.includes('@') ? comparableName(base) : { kind: 'email', local: undefined, host: base.value.toLowerCase() };
    default:
      return comparableName(base);
  }
}

/** Every name that `name` stands for lies in the subtree. */
function isInside(name: Comparable, base: Comparable): boolean {
  if (name.kind === 'dns' && base.kind === 'dns') return isInDomain(name.domain, base.domain);
  if (name.kind === 'ip' && base.kind === 'ip') return isInRange(name.bytes, base.bytes);
  if (name.kind === 'directory' && base.kind === 'directory') return isWithin(name.name, base.name);
  if (name.kind === 'uri' && base.kind === 'uri') return matchesHost(name.host, base.host);
  if (name.kind === 'email' && base.kind === 'email') {
    return base.local === undefined ? matchesHost(name.host, base.host) : name.local === base.local && name.host === base.host;
  }
  return false;
}

/** Some name that `name` stands for lies in the subtree: `*.a.b` meets `a.b`, and `x.a.b` too. */
function meets(name: Comparable, base: Comparable): boolean {
  if (isInside(name, base)) return true;
  if (name.kind !== 'dns' || base.kind !== 'dns' || !name.isWildcard) return false;
  return base.domain.includes('.') && base.domain.slice(base.domain.indexOf('.') + 1) === name.domain;
}

/** RFC 5280 §4.2.1.10: the domain itself and everything below it; the empty one is everything. */
function isInDomain(name: string, domain: string): boolean {
  return domain === '' || name === domain || name.endsWith(`.${domain}`);
}

/** A host, or with a leading period every host below it but not itself. */
function matchesHost(host: string, base: string): boolean {
  return base.startsWith('.') ? host.endsWith(base) : host === base;
}

function isInRange(address: Bytes, range: Bytes): boolean {
  if (range.length !== address.length * 2) return false;
  return address.every((byte, i) => {
    const mask = range[address.length + i] as number;
    return (byte & mask) === ((range[i] as number) & mask);
  });
}
