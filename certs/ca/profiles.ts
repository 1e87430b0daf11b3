// The first use of the library must find reflection metadata in place.
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { type Bytes, toHex } from '../../base/bytes.ts';
import { type IssuingKey, keyIdentifier } from '../../engines/key-generation.ts';
import { parseDer, TAG } from '../der.ts';
import { EXTENSION, KEY_PURPOSE } from '../oids.ts';
import { element, integer, sequence } from './der-writer.ts';
import type { IssuedPurpose } from './issued-index.ts';
import { encodeNameConstraints, type NameConstraints } from './name-constraints.ts';
import type { SubjectNames } from './subject-names.ts';

/** Where relying parties can ask for the status of what this CA issues. */
export interface StatusUrls {
  readonly crl?: string;
  readonly deltaCrl?: string;
  readonly ocsp?: string;
}

export interface LeafProfile {
  readonly purpose: Exclude<IssuedPurpose, 'ca'>;
  readonly names: SubjectNames;
  readonly isMustStaple: boolean;
}

export interface CaProfile {
  readonly pathLength: number | undefined;
  readonly constraints: NameConstraints | undefined;
}

const KEY_PURPOSES: Readonly<Record<LeafProfile['purpose'], readonly string[]>> = {
  peer: [KEY_PURPOSE.serverAuth, KEY_PURPOSE.clientAuth],
  server: [KEY_PURPOSE.serverAuth],
  client: [KEY_PURPOSE.clientAuth],
  ocsp: [KEY_PURPOSE.ocspSigning],
};

const LASTING_EXTENSIONS: ReadonlySet<string> = new Set([EXTENSION.basicConstraints, EXTENSION.keyUsage, EXTENSION.nameConstraints]);
const STATUS_REQUEST_FEATURE = 5;
const DER_NULL: Bytes = Uint8Array.of(TAG.null, 0);

/** RFC 5280 §4.2 for an end entity. The channel signs and never encrypts with the key: digitalSignature alone. */
export function leafExtensions(profile: LeafProfile): x509.Extension[] {
  const { purpose, names } = profile;
  const extensions: x509.Extension[] = [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([...KEY_PURPOSES[purpose]], false),
  ];
  const general = generalNames(names);
  if (general.length > 0) extensions.push(new x509.SubjectAlternativeNameExtension(general, false));
  if (profile.isMustStaple) extensions.push(extension(EXTENSION.tlsFeature, false, sequence(integer(STATUS_REQUEST_FEATURE))));
  // Nobody vouches for the responder's own certificate: it is short-lived instead (RFC 6960 §4.2.2.2.1).
  if (purpose === 'ocsp') extensions.push(extension(EXTENSION.ocspNoCheck, false, DER_NULL));
  return extensions;
}

/** digitalSignature, because the CA also signs OCSP answers, which are neither certificates nor CRLs. */
export function caExtensions(profile: CaProfile): x509.Extension[] {
  const extensions: x509.Extension[] = [
    new x509.BasicConstraintsExtension(true, profile.pathLength, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
  ];
  if (profile.constraints !== undefined) {
    extensions.push(extension(EXTENSION.nameConstraints, true, encodeNameConstraints(profile.constraints)));
  }
  return extensions;
}

/** What a renewed CA certificate takes over: what the CA may do. Identifiers and addresses are written anew. */
export function lastingExtensions(certificate: x509.X509Certificate): x509.Extension[] {
  return certificate.extensions.filter(({ type }) => LASTING_EXTENSIONS.has(type));
}

export function subjectKeyExtension(spki: Bytes): x509.Extension {
  return new x509.SubjectKeyIdentifierExtension(toHex(keyIdentifier(publicKeyBits(spki))), false);
}

export function authorityKeyExtension(issuerKeyId: string): x509.Extension {
  return new x509.AuthorityKeyIdentifierExtension(issuerKeyId, false);
}

export function statusExtensions(urls: StatusUrls): x509.Extension[] {
  const extensions: x509.Extension[] = [];
  if (urls.crl !== undefined) extensions.push(new x509.CRLDistributionPointsExtension([urls.crl], false));
  if (urls.deltaCrl !== undefined) extensions.push(freshestCrlExtension(urls.deltaCrl));
  if (urls.ocsp !== undefined) extensions.push(new x509.AuthorityInfoAccessExtension({ ocsp: urls.ocsp }, false));
  return extensions;
}

/** Where the newest delta CRL is, in certificates and complete CRLs alike (RFC 5280 §4.2.1.15, §5.2.6). */
export function freshestCrlExtension(url: string): x509.Extension {
  // The same syntax as the distribution points of complete CRLs, under another name.
  const { value } = new x509.CRLDistributionPointsExtension([url], false);
  return extension(EXTENSION.freshestCrl, false, new Uint8Array(value));
}

export function extension(type: string, isCritical: boolean, value: Bytes): x509.Extension {
  return new x509.Extension(type, isCritical, Uint8Array.from(value));
}

export function enumerated(value: number): Bytes {
  return element(TAG.enumerated, Uint8Array.of(value));
}

/** The key's algorithm as the generators want it; the hash follows the size of the key. */
export function signingAlgorithm(key: IssuingKey): { name: string; hash: string } {
  switch (key.signatureAlgorithm) {
    case 'ed25519':
      return { name: 'Ed25519', hash: 'SHA-512' };
    case 'ecdsa_p384_sha384':
      return { name: 'ECDSA', hash: 'SHA-384' };
    case 'ecdsa_p256_sha256':
      return { name: 'ECDSA', hash: 'SHA-256' };
    default:
      return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  }
}

export function publicKeyBits(spki: Bytes): Bytes {
  const [, bits] = parseDer(spki, 'public key').children();
  return bits === undefined ? spki : bits.wholeBits('public key');
}

function generalNames(names: SubjectNames): { type: 'dns' | 'url' | 'ip' | 'email'; value: string }[] {
  return [
    ...names.dns.map((value) => ({ type: 'dns' as const, value })),
    ...names.uris.map((value) => ({ type: 'url' as const, value })),
    ...names.ips.map((value) => ({ type: 'ip' as const, value })),
    ...names.emails.map((value) => ({ type: 'email' as const, value })),
  ];
}
