import { context, type DerElement, malformed, stringOf, TAG } from './der.ts';
import { ANY_POLICY, POLICY_QUALIFIER } from './oids.ts';

/** The policy extensions as a CA states them: RFC 5280 §4.2.1.4, §4.2.1.5, §4.2.1.11. Processing is policies.ts. */
export type CertificatePolicies = ReadonlySet<string>;

export interface PolicyMapping {
  readonly issuerDomain: string;
  readonly subjectDomain: string;
}

export interface PolicyConstraints {
  readonly requireExplicit: number | undefined;
  readonly inhibitMapping: number | undefined;
}

/** A critical extension must be understood whole, its qualifiers included. */
export function parsePolicies(element: DerElement, isCritical: boolean): CertificatePolicies {
  const field = 'certificatePolicies';
  const policies = new Set<string>();
  for (const child of element.expect(TAG.sequence, field).children()) {
    const cursor = child.expect(TAG.sequence, field).cursor();
    const policy = cursor.take(TAG.oid, field).oid(field);
    const qualifiers = cursor.optional(TAG.sequence);
    cursor.end(field);
    if (qualifiers !== undefined) checkQualifiers(qualifiers, isCritical);
    if (policies.has(policy)) throw malformed(`${field} names policy ${policy} twice`);
    policies.add(policy);
  }
  if (policies.size === 0) throw malformed(`${field} is empty`);
  return policies;
}

function checkQualifiers(list: DerElement, isCritical: boolean): void {
  const field = 'policyQualifiers';
  const qualifiers = list.children();
  if (qualifiers.length === 0) throw malformed(`${field} is empty`);
  for (const qualifier of qualifiers) {
    const cursor = qualifier.expect(TAG.sequence, field).cursor();
    const oid = cursor.take(TAG.oid, field).oid(field);
    if (cursor.isAtEnd) throw malformed(`${field} has a qualifier without a value`);
    const value = cursor.next();
    cursor.end(field);
    if (oid === POLICY_QUALIFIER.cps) stringOf(value.expect(TAG.ia5String, field), field);
    else if (oid === POLICY_QUALIFIER.userNotice) value.expect(TAG.sequence, field);
    else if (isCritical) throw malformed(`${field}: a critical extension has the unknown qualifier ${oid}`);
  }
}

export function parsePolicyMappings(element: DerElement): PolicyMapping[] {
  const field = 'policyMappings';
  const mappings = element.expect(TAG.sequence, field).children().map((child): PolicyMapping => {
    const cursor = child.expect(TAG.sequence, field).cursor();
    const issuerDomain = cursor.take(TAG.oid, field).oid(field);
    const subjectDomain = cursor.take(TAG.oid, field).oid(field);
    cursor.end(field);
    // RFC 5280 §6.1.4 (a)
    if (issuerDomain === ANY_POLICY || subjectDomain === ANY_POLICY) throw malformed(`${field} map anyPolicy`);
    return { issuerDomain, subjectDomain };
  });
  if (mappings.length === 0) throw malformed(`${field} is empty`);
  return mappings;
}

export function parsePolicyConstraints(element: DerElement): PolicyConstraints {
  const field = 'policyConstraints';
  const cursor = element.expect(TAG.sequence, field).cursor();
  const requireExplicit = cursor.optional(context(0))?.as(TAG.integer).smallInteger(field);
  const inhibitMapping = cursor.optional(context(1))?.as(TAG.integer).smallInteger(field);
  cursor.end(field);
  if (requireExplicit === undefined && inhibitMapping === undefined) throw malformed(`${field} is empty`);
  return { requireExplicit, inhibitMapping };
}
