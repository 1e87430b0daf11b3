import type { Clock } from '../base/clock.ts';
import type { Crypto } from '../engines/contract.ts';
import type { Certificate } from './certificate.ts';
import type { TrustSettings } from './contract.ts';
import type { Crl } from './crl.ts';
import type { OcspEvaluator } from './ocsp-client.ts';
import { SignatureCheck } from './signature-check.ts';
import { DEFAULT_BUDGETS, REQUEST_DEFAULTS, validatePath } from './validation.ts';
import { Work } from './work.ts';

/** What network sources ask before they believe anything. Each peer's verdict asks the same again, in full. */

/** Name and signature; nothing else about the issuer is asked here. */
export function isSignedBy(signed: Certificate | Crl, issuer: Certificate, crypto: Crypto): boolean {
  if (signed.issuer.key !== issuer.subject.key) return false;
  const check = new SignatureCheck(crypto.signature, REQUEST_DEFAULTS.minRsaBits, new Work(DEFAULT_BUDGETS));
  return check.signatureFailure(signed, issuer, undefined, 'it') === undefined;
}

/** Whether one of the candidates signed the CRL. */
export function isCrlSigned(crl: Crl, candidates: readonly Certificate[], crypto: Crypto): boolean {
  return candidates.some((candidate) => isSignedBy(crl, candidate, crypto));
}

/**
 * Judges one answer as path validation does: the certificate as a leaf below the bare key of its issuer, and nothing but
 * this answer to tell its status.
 */
export function ocspEvaluator(crypto: Crypto, clock: Clock, settings: () => TrustSettings): OcspEvaluator {
  return (response, certificate, issuer) => {
    const { clockSkewMs, revocation } = settings();
    const verdict = validatePath(
      {
        ...REQUEST_DEFAULTS,
        leaf: certificate,
        intermediates: [],
        anchors: [issuer],
        crls: [],
        ocsp: [response],
        timeMs: clock.wallMs(),
        purpose: 'any',
        anchorMode: 'key',
        // A responder whose own status nobody knows is left to the verdict about the peer.
        revocation: 'soft',
        clockSkewMs,
        statusGraceMs: revocation.graceMs,
      },
      crypto,
    );
    if (!verdict.valid) return verdict.code === 'revoked' ? { status: 'revoked', untilMs: Number.POSITIVE_INFINITY } : undefined;
    return verdict.statuses[0]?.source === 'ocsp' ? { status: 'good', untilMs: verdict.validUntilMs } : undefined;
  };
}
