import { type Bytes, equalBytes } from '../base/bytes.ts';
import { toXpsError } from '../base/errors.ts';
import type { HashProvider } from '../engines/contract.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { CERTIFICATE_HOLD, REMOVE_FROM_CRL } from './crl-index.ts';
import { nameConstraintFailure } from './name-constraints.ts';
import type { CertId, OcspResponse, SingleResponse } from './ocsp.ts';
import { leafFailure, validityEndMs } from './path-rules.ts';
import { sha1Identifier } from './sha1.ts';
import { currency, type Status, type StatusContext, type StatusQuestion } from './status.ts';

/** RFC 6960 §3.2: whether an answer is about this certificate, by somebody who may say so, and current. */
export function ocspStatus(question: StatusQuestion, context: StatusContext): Status {
  const notes: string[] = [];
  let best: Status | undefined;
  for (const response of context.request.ocsp) {
    const singles = response.responses.filter((single) => isAbout(single.certId, question, context.hash));
    if (singles.length === 0) continue;
    const found = statusFrom(response, singles, question, context);
    if (found.kind === 'revoked') return found;
    if (found.kind === 'unknown') notes.push(...found.notes);
    else if (best?.kind !== 'good' || best.untilMs < found.untilMs) best = found;
  }
  return best ?? { kind: 'unknown', notes };
}

function isAbout(certId: CertId | undefined, { certificate, issuer }: StatusQuestion, hash: HashProvider): boolean {
  if (certId === undefined || !equalBytes(certId.serial, certificate.serial)) return false;
  const digest = (bytes: Bytes): Bytes => (certId.hash === 'sha1' ? sha1Identifier(bytes) : hash.hash(certId.hash, bytes));
  if (!equalBytes(certId.issuerKeyHash, digest(issuer.keyBits))) return false;
  // Some clients hash the issuer's subject, which may be encoded otherwise than the name in the certificate.
  return equalBytes(certId.issuerNameHash, digest(certificate.issuer.der)) || equalBytes(certId.issuerNameHash, digest(issuer.subject.der));
}

function statusFrom(response: OcspResponse, singles: readonly SingleResponse[], question: StatusQuestion, context: StatusContext): Status {
  const unknown = (note: string): Status => ({ kind: 'unknown', notes: [note] });
  if (response.unusable !== undefined) return unknown(response.unusable);
  const signer = authorisedSigner(response, question, context);
  if (typeof signer === 'string') return unknown(signer);
  const statuses = singles.map((single) => singleStatus(single, signer.untilMs, context));
  return (
    statuses.find(({ kind }) => kind === 'revoked') ??
    statuses.find(({ kind }) => kind === 'unknown') ??
    (statuses[0] as Status)
  );
}

function singleStatus(single: SingleResponse, signerUntilMs: number, context: StatusContext): Status {
  const { status, reason, thisUpdateMs, nextUpdateMs } = single;
  const age = currency(thisUpdateMs, nextUpdateMs, context);
  // A revocation is for ever, but for a hold: it counts beyond the life of the answer.
  const isLasting = age.kind === 'stale' && reason !== CERTIFICATE_HOLD && reason !== REMOVE_FROM_CRL;
  if (status === 'revoked' && (age.kind === 'current' || isLasting)) return { kind: 'revoked', reason: 'an OCSP answer says so' };
  if (age.kind !== 'current') return { kind: 'unknown', notes: [`the OCSP answer ${age.note}`] };
  if (status === 'unknown') return { kind: 'unknown', notes: ['the OCSP responder does not know the certificate'] };
  return { kind: 'good', source: 'ocsp', untilMs: Math.min(age.untilMs, signerUntilMs) };
}

interface Signer {
  readonly untilMs: number;
}

/** RFC 6960 §4.2.2.2: the issuer itself, or whom the issuer has given a certificate for that. Text: why nobody is. */
function authorisedSigner(response: OcspResponse, question: StatusQuestion, context: StatusContext): Signer | string {
  const { issuer } = question;
  let why = 'the OCSP answer is not signed by the issuer of the certificate or by its responder';
  if (isResponder(issuer, response)) {
    const forged = context.signatures.signatureFailure(response, issuer, undefined, 'the OCSP answer');
    if (forged === undefined) return { untilMs: Number.POSITIVE_INFINITY };
    why = forged.reason;
  }
  for (const responder of responderCertificates(response, context)) {
    if (!isResponder(responder, response)) continue;
    const problem = responderProblem(responder, response, question, context);
    if (problem === undefined) return { untilMs: validityEndMs(responder, context.request.clockSkewMs) };
    why = problem;
  }
  return why;
}

function isResponder({ subject, keyBits }: Certificate, { responder }: OcspResponse): boolean {
  return responder.kind === 'name' ? subject.key === responder.name.key : equalBytes(sha1Identifier(keyBits), responder.sha1);
}

function responderCertificates(response: OcspResponse, { request }: StatusContext): Certificate[] {
  const own = response.certificates.flatMap((der) => {
    try {
      return [parseCertificate(der)];
    } catch (thrown) {
      // Only a refusal by the parser: everything else is a mistake of this program.
      if (toXpsError(thrown).reason === 'internal_error') throw thrown;
      return [];
    }
  });
  return [...own, ...request.intermediates];
}

function responderProblem(responder: Certificate, response: OcspResponse, question: StatusQuestion, context: StatusContext): string | undefined {
  const { issuer, above } = question;
  const { signatures, window, work, request } = context;
  if (responder.issuer.key !== issuer.subject.key) return 'the OCSP responder was not authorised by the issuer of the certificate';
  const unfit =
    leafFailure(responder, 'ocsp', window) ??
    signatures.signatureFailure(responder, issuer, responder, 'its certificate') ??
    above.map((ca) => nameConstraintFailure(ca, responder, work)).find((outside) => outside !== undefined);
  if (unfit !== undefined) return `the OCSP responder is not acceptable: ${unfit.reason}`;
  const forged = signatures.signatureFailure(response, responder, undefined, 'the OCSP answer');
  if (forged !== undefined) return forged.reason;
  // RFC 6960 §4.2.2.2.1: without nocheck its own status matters, and cannot come from itself. A revocation that is known
  // anyhow counts in any case.
  const status = context.crlStatus({ certificate: responder, issuer, above });
  if (status.kind === 'revoked') return 'the certificate of the OCSP responder is revoked';
  const isLeftOpen = status.kind === 'unknown' && request.revocation === 'hard' && !responder.extensions.hasOcspNoCheck;
  return isLeftOpen ? 'the certificate of the OCSP responder has no nocheck and no known status' : undefined;
}
