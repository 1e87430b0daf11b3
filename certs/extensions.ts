import type { Bytes } from '../base/bytes.ts';
import { type NameConstraints, parseNameConstraints } from './constraint-subtrees.ts';
import { context, contextConstructed, type DerElement, malformed, namedBits, TAG } from './der.ts';
import { type DistributionPoint, parseDistributionPoints } from './distribution-points.ts';
import { demandCritical, type Extension, extensionValue, forbidCritical } from './extension-list.ts';
import { type GeneralName, nameProblem, parseGeneralName, parseGeneralNames } from './general-names.ts';
import { ACCESS_METHOD, EXTENSION } from './oids.ts';
import { type CertificatePolicies, parsePolicies, parsePolicyConstraints, parsePolicyMappings, type PolicyConstraints, type PolicyMapping } from './policy-extensions.ts';

/** Bits of KeyUsage in their order, RFC 5280 §4.2.1.3. */
const KEY_USAGE_BITS = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;

export type KeyUsageBit = (typeof KEY_USAGE_BITS)[number];

export interface BasicConstraints {
  readonly isCa: boolean;
  readonly pathLength: number | undefined;
  readonly isCritical: boolean;
}

export interface AuthorityKeyId {
  readonly keyId: Bytes | undefined;
  readonly issuer: readonly GeneralName[] | undefined;
  readonly serial: Bytes | undefined;
}

/** The extensions of a certificate that path validation knows. Undefined: absent. */
export interface CertificateExtensions {
  readonly basicConstraints: BasicConstraints | undefined;
  readonly keyUsage: ReadonlySet<KeyUsageBit> | undefined;
  /** Key purposes as OIDs. */
  readonly extendedKeyUsage: ReadonlySet<string> | undefined;
  readonly subjectAltNames: readonly GeneralName[] | undefined;
  readonly isSubjectAltNameCritical: boolean;
  readonly nameConstraints: NameConstraints | undefined;
  readonly policies: CertificatePolicies | undefined;
  readonly policyMappings: readonly PolicyMapping[] | undefined;
  readonly policyConstraints: PolicyConstraints | undefined;
  readonly inhibitAnyPolicy: number | undefined;
  readonly subjectKeyId: Bytes | undefined;
  readonly authorityKeyId: AuthorityKeyId | undefined;
  /** Addresses of OCSP responders and issuers' certificates (RFC 5280 §4.2.2.1). */
  readonly ocspUris: readonly string[];
  readonly caIssuerUris: readonly string[];
  readonly crlDistributionPoints: readonly DistributionPoint[] | undefined;
  readonly freshestCrl: readonly DistributionPoint[] | undefined;
  /** RFC 7633 §4.2.3.1: the holder has promised to staple (status_request). */
  readonly mustStaple: boolean;
  /** RFC 6960 §4.2.2.2.1: a responder's certificate that need not be checked itself. */
  readonly hasOcspNoCheck: boolean;
  /** RFC 9608: the CA says that it never publishes a status for this certificate. */
  readonly hasNoRevAvail: boolean;
  readonly unknownCritical: readonly string[];
}

const TLS_FEATURE_STATUS_REQUEST = 5;

type Parsed = { -readonly [Key in keyof CertificateExtensions]: CertificateExtensions[Key] };

export const NO_EXTENSIONS: CertificateExtensions = emptyExtensions();

export function parseCertificateExtensions(list: ReadonlyMap<string, Extension>): CertificateExtensions {
  const parsed = emptyExtensions();
  const unknownCritical: string[] = [];
  for (const extension of list.values()) {
    const parse = PARSERS[extension.oid];
    if (parse !== undefined) parse(extension, parsed);
    else if (extension.isCritical) unknownCritical.push(extension.oid);
  }
  parsed.unknownCritical = unknownCritical;
  checkPolicyConstraints(list.get(EXTENSION.policyConstraints), parsed);
  return parsed;
}

function emptyExtensions(): Parsed {
  return {
    basicConstraints: undefined,
    keyUsage: undefined,
    extendedKeyUsage: undefined,
    subjectAltNames: undefined,
    isSubjectAltNameCritical: false,
    nameConstraints: undefined,
    policies: undefined,
    policyMappings: undefined,
    policyConstraints: undefined,
    inhibitAnyPolicy: undefined,
    subjectKeyId: undefined,
    authorityKeyId: undefined,
    ocspUris: [],
    caIssuerUris: [],
    crlDistributionPoints: undefined,
    freshestCrl: undefined,
    mustStaple: false,
    hasOcspNoCheck: false,
    hasNoRevAvail: false,
    unknownCritical: [],
  };
}

/** One entry per extension; the rules about `critical` are those that RFC 5280 states with MUST. */
const PARSERS: Readonly<Record<string, (extension: Extension, parsed: Parsed) => void>> = {
  [EXTENSION.basicConstraints]: (extension, parsed) => {
    parsed.basicConstraints = basicConstraints(extension);
  },
  [EXTENSION.keyUsage]: (extension, parsed) => {
    parsed.keyUsage = keyUsage(extensionValue(extension, 'keyUsage'));
  },
  [EXTENSION.extendedKeyUsage]: (extension, parsed) => {
    parsed.extendedKeyUsage = oidSet(extensionValue(extension, 'extendedKeyUsage'), 'extendedKeyUsage');
  },
  [EXTENSION.subjectAltName]: (extension, parsed) => {
    parsed.subjectAltNames = alternativeNames(extension, 'subjectAltName');
    parsed.isSubjectAltNameCritical = extension.isCritical;
  },
  [EXTENSION.issuerAltName]: (extension) => {
    alternativeNames(extension, 'issuerAltName');
  },
  [EXTENSION.nameConstraints]: (extension, parsed) => {
    demandCritical(extension, 'nameConstraints');
    parsed.nameConstraints = parseNameConstraints(extensionValue(extension, 'nameConstraints'));
  },
  [EXTENSION.certificatePolicies]: (extension, parsed) => {
    parsed.policies = parsePolicies(extensionValue(extension, 'certificatePolicies'), extension.isCritical);
  },
  [EXTENSION.policyMappings]: (extension, parsed) => {
    parsed.policyMappings = parsePolicyMappings(extensionValue(extension, 'policyMappings'));
  },
  [EXTENSION.policyConstraints]: (extension, parsed) => {
    parsed.policyConstraints = parsePolicyConstraints(extensionValue(extension, 'policyConstraints'));
  },
  [EXTENSION.inhibitAnyPolicy]: (extension, parsed) => {
    demandCritical(extension, 'inhibitAnyPolicy');
    parsed.inhibitAnyPolicy = extensionValue(extension, 'inhibitAnyPolicy').expect(TAG.integer, 'inhibitAnyPolicy').smallInteger('inhibitAnyPolicy');
  },
  [EXTENSION.subjectKeyIdentifier]: (extension, parsed) => {
    forbidCritical(extension, 'subjectKeyIdentifier');
    parsed.subjectKeyId = extensionValue(extension, 'subjectKeyIdentifier').octets('subjectKeyIdentifier');
  },
  [EXTENSION.authorityKeyIdentifier]: (extension, parsed) => {
    forbidCritical(extension, 'authorityKeyIdentifier');
    parsed.authorityKeyId = parseAuthorityKeyId(extensionValue(extension, 'authorityKeyIdentifier'));
  },
  [EXTENSION.authorityInfoAccess]: (extension, parsed) => {
    forbidCritical(extension, 'authorityInfoAccess');
    const access = accessDescriptions(extensionValue(extension, 'authorityInfoAccess'), 'authorityInfoAccess');
    parsed.ocspUris = urisOf(access, ACCESS_METHOD.ocsp);
    parsed.caIssuerUris = urisOf(access, ACCESS_METHOD.caIssuers);
  },
  [EXTENSION.subjectInfoAccess]: (extension) => {
    forbidCritical(extension, 'subjectInfoAccess');
    accessDescriptions(extensionValue(extension, 'subjectInfoAccess'), 'subjectInfoAccess');
  },
  [EXTENSION.crlDistributionPoints]: (extension, parsed) => {
    parsed.crlDistributionPoints = parseDistributionPoints(extensionValue(extension, 'cRLDistributionPoints'), 'cRLDistributionPoints');
  },
  [EXTENSION.freshestCrl]: (extension, parsed) => {
    forbidCritical(extension, 'freshestCRL');
    parsed.freshestCrl = parseDistributionPoints(extensionValue(extension, 'freshestCRL'), 'freshestCRL');
  },
  [EXTENSION.tlsFeature]: (extension, parsed) => {
    parsed.mustStaple = tlsFeatures(extensionValue(extension, 'tlsFeature')).includes(TLS_FEATURE_STATUS_REQUEST);
  },
  [EXTENSION.ocspNoCheck]: (extension, parsed) => {
    const value = extensionValue(extension, 'ocspNoCheck');
    value.expect(TAG.null, 'ocspNoCheck');
    parsed.hasOcspNoCheck = true;
  },
  [EXTENSION.noRevAvail]: (extension, parsed) => {
    forbidCritical(extension, 'noRevAvail');
    extensionValue(extension, 'noRevAvail').expect(TAG.null, 'noRevAvail');
    parsed.hasNoRevAvail = true;
  },
};

/**
 * RFC 5280 §4.2.1.11 demands `critical`; RFC 3280 did not, and CAs of its time state them beside their policies. They are
 * obeyed either way, so only those that contradict themselves are refused: constraints on policies without any policy.
 */
function checkPolicyConstraints(extension: Extension | undefined, { policies }: Parsed): void {
  if (extension !== undefined && policies === undefined) demandCritical(extension, 'policyConstraints');
}

function basicConstraints(extension: Extension): BasicConstraints {
  const field = 'basicConstraints';
  const cursor = extensionValue(extension, field).expect(TAG.sequence, field).cursor();
  const isCa = cursor.optional(TAG.boolean)?.boolean(field);
  if (isCa === false) throw malformed(`${field} spells out a default`);
  const pathLength = cursor.optional(TAG.integer)?.smallInteger('pathLenConstraint');
  cursor.end(field);
  if (pathLength !== undefined && isCa !== true) throw malformed('a pathLenConstraint stands in a certificate that is no CA');
  return { isCa: isCa === true, pathLength, isCritical: extension.isCritical };
}

function keyUsage(element: DerElement): ReadonlySet<KeyUsageBit> {
  const bits = namedBits(element.expect(TAG.bitString, 'keyUsage'), 'keyUsage');
  const usages = new Set<KeyUsageBit>();
  for (const bit of bits) {
    const usage = KEY_USAGE_BITS[bit];
    if (usage === undefined) throw malformed('keyUsage has an unknown bit');
    usages.add(usage);
  }
  if (usages.size === 0) throw malformed('keyUsage permits nothing');
  return usages;
}

function oidSet(element: DerElement, field: string): ReadonlySet<string> {
  const oids = new Set(element.expect(TAG.sequence, field).children().map((child) => child.oid(field)));
  if (oids.size === 0) throw malformed(`${field} is empty`);
  return oids;
}

function alternativeNames(extension: Extension, field: string): GeneralName[] {
  const names = parseGeneralNames(extensionValue(extension, field).expect(TAG.sequence, field), field);
  for (const name of names) {
    const problem = nameProblem(name);
    if (problem !== undefined) throw malformed(`${field}: ${problem}`);
  }
  return names;
}

/** RFC 5280 §4.2.1.1: the key identifier must be there, issuer and serial number only together. */
export function parseAuthorityKeyId(element: DerElement): AuthorityKeyId {
  const field = 'authorityKeyIdentifier';
  const cursor = element.expect(TAG.sequence, field).cursor();
  const keyId = cursor.optional(context(0))?.content;
  const issuer = cursor.optional(contextConstructed(1));
  const serial = cursor.optional(context(2))?.as(TAG.integer).integerBytes(field);
  cursor.end(field);
  if ((issuer === undefined) !== (serial === undefined)) throw malformed(`${field} has issuer or serial number alone`);
  return { keyId, issuer: issuer === undefined ? undefined : parseGeneralNames(issuer, field), serial };
}

interface AccessDescription {
  readonly method: string;
  readonly location: GeneralName;
}

function accessDescriptions(element: DerElement, field: string): AccessDescription[] {
  const access = element.expect(TAG.sequence, field).children().map((child): AccessDescription => {
    const cursor = child.expect(TAG.sequence, field).cursor();
    const method = cursor.take(TAG.oid, field).oid(field);
    if (cursor.isAtEnd) throw malformed(`${field} has a description without a location`);
    const location = parseGeneralName(cursor.next(), field);
    cursor.end(field);
    const problem = nameProblem(location);
    if (problem !== undefined) throw malformed(`${field}: ${problem}`);
    return { method, location };
  });
  if (access.length === 0) throw malformed(`${field} is empty`);
  return access;
}

function urisOf(access: readonly AccessDescription[], method: string): string[] {
  return access.flatMap((each) => (each.method === method && each.location.kind === 'uri' ? [each.location.value] : []));
}

function tlsFeatures(element: DerElement): number[] {
  const features = element.expect(TAG.sequence, 'tlsFeature').children().map((child) => child.smallInteger('tlsFeature'));
  if (features.length === 0) throw malformed('tlsFeature is empty');
  return features;
}
