import { context, contextConstructed, type DerElement, malformed, namedBits, TAG } from './der.ts';
import { type GeneralName, parseGeneralNames } from './general-names.ts';
import { type Name, parseRdn, rdnKey } from './names.ts';

/** RFC 5280 §4.2.1.13, §5.2.5: reasons for which a CRL speaks. Bit 0 is unused. */
export const ALL_REASONS = 0b1_1111_1110;

/** A set of reasons as bits 1..8 of a number. */
export type ReasonSet = number;

/** Where a CRL is to be had, as it is named by certificates and by the CRL itself. */
export type PointName =
  | { readonly kind: 'full'; readonly names: readonly GeneralName[] }
  /** Added to the name of the CRL's issuer. */
  | { readonly kind: 'relative'; readonly rdnKey: string };

export interface DistributionPoint {
  readonly name: PointName | undefined;
  readonly reasons: ReasonSet;
  /** Who issues the CRL, when it is not the issuer of the certificate. */
  readonly crlIssuer: readonly GeneralName[] | undefined;
}

export function parseDistributionPoints(list: DerElement, field: string): DistributionPoint[] {
  const points = list.expect(TAG.sequence, field).children().map((child) => parsePoint(child, field));
  if (points.length === 0) throw malformed(`${field} is empty`);
  return points;
}

function parsePoint(element: DerElement, field: string): DistributionPoint {
  const cursor = element.expect(TAG.sequence, field).cursor();
  const name = cursor.optional(contextConstructed(0));
  const reasons = cursor.optional(context(1));
  const issuer = cursor.optional(contextConstructed(2));
  cursor.end(field);
  if (name === undefined && issuer === undefined) throw malformed(`${field} has a point without name and issuer`);
  return {
    name: name === undefined ? undefined : parsePointName(name.inner(field), field),
    reasons: reasons === undefined ? ALL_REASONS : parseReasons(reasons, field),
    crlIssuer: issuer === undefined ? undefined : parseGeneralNames(issuer, field),
  };
}

export function parsePointName(element: DerElement, field: string): PointName {
  if (element.tag === contextConstructed(0)) return { kind: 'full', names: parseGeneralNames(element, field) };
  return { kind: 'relative', rdnKey: rdnKey(parseRdn(element.expect(contextConstructed(1), field), field)) };
}

/** ReasonFlags: an empty set would speak for nothing and is refused. */
export function parseReasons(element: DerElement, field: string): ReasonSet {
  let set = 0;
  for (const bit of namedBits(element, field)) {
    if (bit > 8) throw malformed(`${field} has an unknown reason`);
    set |= 1 << bit;
  }
  set &= ALL_REASONS;
  if (set === 0) throw malformed(`${field} has no reason`);
  return set;
}

/** The comparable names of a point: a relative name is completed with the name it is relative to. */
export function pointKeys(name: PointName, relativeTo: Name, keyOf: (name: GeneralName) => string): string[] {
  if (name.kind === 'full') return name.names.map(keyOf);
  const separator = relativeTo.key === '' ? '' : '\u0002';
  return [`directory:${relativeTo.key}${separator}${name.rdnKey}`];
}

/** Addresses from which the CRL of a point can be fetched. */
export function pointUris(points: readonly DistributionPoint[]): string[] {
  return points.flatMap(({ name }) =>
    name?.kind === 'full' ? name.names.flatMap((each) => (each.kind === 'uri' ? [each.value] : [])) : [],
  );
}
