import type { Certificate } from './certificate.ts';
import { isCa } from './certificate.ts';
import { KEY_PURPOSE } from './oids.ts';
import { type Failure, failure } from './verdict.ts';

/** The rules of RFC 5280 §6.1 that concern one certificate in its place on a path, without signatures and names. */

/** What the first certificate of a path is used for. `crl` and `ocsp`: it signs status, and is no peer. */
export type LeafUsage = 'client' | 'server' | 'any' | 'crl' | 'ocsp';

/** The present in whole seconds, widened by the tolerance for clocks that differ. */
export interface TimeWindow {
  readonly earliestMs: number;
  readonly latestMs: number;
}

const SECOND = 1000;

export function timeWindow(timeMs: number, clockSkewMs: number): TimeWindow {
  const nowMs = Math.floor(timeMs / SECOND) * SECOND;
  return { earliestMs: nowMs - clockSkewMs, latestMs: nowMs + clockSkewMs };
}

/** Certificates count in whole seconds, of which the last belongs to the validity (RFC 5280 §4.1.2.5). */
export function validityFailure(certificate: Certificate, window: TimeWindow): Failure | undefined {
  const { notBeforeMs, notAfterMs } = certificate;
  if (window.latestMs < notBeforeMs) return failure('not_yet_valid', certificate, `the certificate is not valid before ${isoText(notBeforeMs)}`);
  if (window.earliestMs >= notAfterMs + SECOND) return failure('expired', certificate, `the certificate expired at ${isoText(notAfterMs)}`);
  return undefined;
}

/** When the validity of a certificate ends for a verifier with this tolerance. */
export function validityEndMs({ notAfterMs }: Certificate, clockSkewMs: number): number {
  return notAfterMs + SECOND + clockSkewMs;
}

export function leafFailure(leaf: Certificate, usage: LeafUsage, window: TimeWindow): Failure | undefined {
  return unknownExtensionFailure(leaf) ?? endEntityFailure(leaf) ?? validityFailure(leaf, window) ?? leafUsageFailure(leaf, usage);
}

/** What a certificate that is no CA must not state: RFC 5280 §4.2.1.3, §4.2.1.10. */
function endEntityFailure(leaf: Certificate): Failure | undefined {
  if (leaf.version !== 3) return failure('constraint', leaf, `it is a certificate of version ${leaf.version}`);
  if (isCa(leaf)) return undefined;
  const { nameConstraints, keyUsage } = leaf.extensions;
  if (nameConstraints !== undefined) return failure('malformed', leaf, 'it has name constraints and is no CA');
  if (keyUsage?.has('keyCertSign') === true) return failure('malformed', leaf, 'it may sign certificates and is no CA');
  return undefined;
}

function leafUsageFailure(leaf: Certificate, usage: LeafUsage): Failure | undefined {
  const { keyUsage, extendedKeyUsage } = leaf.extensions;
  switch (usage) {
    case 'any':
      return undefined;
    case 'client':
    case 'server': {
      // Peers prove themselves by a signature, whatever the key could do besides. A CA that is a peer itself could issue
      // such a certificate for the same key, so nothing is gained by refusing its own.
      if (keyUsage?.has('digitalSignature') === false && !isCa(leaf)) return failure('wrong_usage', leaf, 'its key usage permits no digital signatures');
      return isForPurpose(leaf, usage) ? undefined : failure('wrong_usage', leaf, `its extended key usage does not include ${usage}Auth`);
    }
    case 'crl':
      return keyUsage?.has('cRLSign') === false ? failure('wrong_usage', leaf, 'its key usage does not permit to sign CRLs') : undefined;
    case 'ocsp':
      // RFC 6960 §4.2.2.2: the very purpose, anyExtendedKeyUsage is not enough.
      if (extendedKeyUsage?.has(KEY_PURPOSE.ocspSigning) !== true) return failure('wrong_usage', leaf, 'its extended key usage does not include OCSPSigning');
      return keyUsage?.has('digitalSignature') === false ? failure('wrong_usage', leaf, 'its key usage permits no digital signatures') : undefined;
  }
}

/** A CA with an extended key usage passes on no more than that. */
function isForPurpose({ extensions }: Certificate, usage: LeafUsage): boolean {
  const { extendedKeyUsage } = extensions;
  if (extendedKeyUsage === undefined || extendedKeyUsage.has(KEY_PURPOSE.any)) return true;
  if (usage === 'client') return extendedKeyUsage.has(KEY_PURPOSE.clientAuth);
  return usage === 'server' ? extendedKeyUsage.has(KEY_PURPOSE.serverAuth) : true;
}

/** RFC 5280 §6.1.4 (k) to (o), for an intermediate or an anchor whose extensions bind. `below`: leaf first. */
export function issuerFailure(issuer: Certificate, below: readonly Certificate[], usage: LeafUsage, window: TimeWindow): Failure | undefined {
  const { keyUsage } = issuer.extensions;
  if (issuer.version !== 3) return failure('constraint', issuer, `the issuer is a certificate of version ${issuer.version}`);
  const unknown = unknownExtensionFailure(issuer);
  if (unknown !== undefined) return unknown;
  if (!isCa(issuer)) return failure('constraint', issuer, 'the issuer is not a CA');
  if (keyUsage?.has('keyCertSign') === false) return failure('wrong_usage', issuer, 'the key usage of the issuer does not permit to sign certificates');
  return (
    validityFailure(issuer, window) ??
    pathLengthFailure(issuer, below) ??
    (isForPurpose(issuer, usage) ? undefined : failure('wrong_usage', issuer, `the extended key usage of the issuer does not include ${usage}Auth`)) ??
    caProfileFailure(issuer)
  );
}

/** §4.2.1.9: self-issued certificates do not count. */
function pathLengthFailure(issuer: Certificate, below: readonly Certificate[]): Failure | undefined {
  const allowed = issuer.extensions.basicConstraints?.pathLength;
  if (allowed === undefined) return undefined;
  const found = intermediateCount(below);
  return found > allowed ? failure('constraint', issuer, `the issuer allows ${allowed} CAs below it, there are ${found}`) : undefined;
}

/** CAs between leaf and issuer that are not self-issued. `below` begins with the leaf. */
export function intermediateCount(below: readonly Certificate[]): number {
  return below.slice(1).filter(({ isSelfIssued }) => !isSelfIssued).length;
}

/** What RFC 5280 demands of every CA certificate: §4.2.1.2, RFC 9608 §3. */
function caProfileFailure(issuer: Certificate): Failure | undefined {
  const { subjectKeyId, hasNoRevAvail } = issuer.extensions;
  if (subjectKeyId === undefined) return failure('malformed', issuer, 'a CA has no subjectKeyIdentifier');
  if (hasNoRevAvail) return failure('malformed', issuer, 'a CA says that it has no revocation information');
  return undefined;
}

/** §4.2.1.1: whoever did not sign itself says which key did. */
export function authorityKeyFailure(certificate: Certificate): Failure | undefined {
  if (certificate.isSelfIssued || certificate.extensions.authorityKeyId?.keyId !== undefined) return undefined;
  return failure('malformed', certificate, 'the certificate has no authorityKeyIdentifier');
}

/** What an anchor states about itself is the operator's choice and therefore held to the letter: §4.2.1.1, §4.2.1.9. */
export function anchorProfileFailure(anchor: Certificate): Failure | undefined {
  const { basicConstraints, authorityKeyId } = anchor.extensions;
  if (basicConstraints?.isCritical === false) return failure('malformed', anchor, 'the basicConstraints of a trust anchor are not critical');
  if (authorityKeyId !== undefined && authorityKeyId.keyId === undefined) return failure('malformed', anchor, 'an authorityKeyIdentifier has no key identifier');
  return undefined;
}

/** §6.1.4 (o), §6.1.5 (f) */
function unknownExtensionFailure(certificate: Certificate): Failure | undefined {
  const [oid] = certificate.extensions.unknownCritical;
  return oid === undefined ? undefined : failure('constraint', certificate, `it has the unknown critical extension ${oid}`);
}

export function isoText(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}
