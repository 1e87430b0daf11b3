import type { Bytes } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';
import type { Crypto, VerifyingKey } from '../engines/contract.ts';
import { schemeById } from './codepoints.ts';
import type { HandshakeSecrets, Side } from './key-schedule.ts';
import type { CertificateVerify } from './messages/certificate-verify.ts';
import { schemeFits, selectScheme } from './negotiation.ts';
import { signedContent, type SignaturePurpose } from './signed-content.ts';

/**
 * Values that only a check in this file can make. The last state of a handshake demands them as
 * arguments, so that a forgotten check does not compile.
 */
const MINT: unique symbol = Symbol('mint');

/** The peer holds the private key of the leaf that it presented. */
export class SignatureProof {
  readonly #brand = true;
  readonly leaf: Bytes;

  constructor(mint: typeof MINT, leaf: Bytes) {
    requireMint(mint);
    this.leaf = leaf;
  }

  get isProof(): boolean {
    return this.#brand;
  }
}

/** Instead of a signature: the handshake is keyed by the psk of a channel on which one was checked. */
export class ResumptionProof {
  readonly #brand = true;
  readonly leaf: Bytes;

  constructor(mint: typeof MINT, leaf: Bytes) {
    requireMint(mint);
    this.leaf = leaf;
  }

  get isProof(): boolean {
    return this.#brand;
  }
}

/** Both sides saw the same handshake. */
export class FinishedProof {
  readonly #brand = true;

  constructor(mint: typeof MINT) {
    requireMint(mint);
  }

  get isProof(): boolean {
    return this.#brand;
  }
}

function requireMint(mint: typeof MINT): void {
  if (mint !== MINT) throw new XpsError('internal_error', { detail: 'a proof was forged' });
}

/**
 * docs/PROTOCOL.md §6.6 and §4.4: the scheme is the one the signer had to choose from `ownSchemes`,
 * and the signature covers `transcript` in the signer's role.
 */
export function proveSignature(
  crypto: Crypto,
  purpose: SignaturePurpose,
  ownSchemes: readonly number[],
  leaf: Bytes,
  key: VerifyingKey,
  verify: CertificateVerify,
  transcript: Bytes,
): SignatureProof {
  const expected = selectScheme(ownSchemes, (scheme) => schemeFits(scheme, key));
  if (verify.scheme !== expected) {
    throw new XpsError('negotiation_mismatch', { detail: `signature scheme ${verify.scheme}, expected ${expected}` });
  }
  const scheme = schemeById(verify.scheme);
  const content = signedContent(purpose, transcript);
  if (scheme === undefined || !crypto.signature.verify(scheme, key, content, verify.signature)) {
    throw new XpsError('signature_invalid', { detail: `${purpose} signature` });
  }
  return new SignatureProof(MINT, leaf);
}

/** For a handshake whose ServerHello said "resumed" and whose keys therefore contain the psk. */
export function proveResumption(isResumed: true, leaf: Bytes): ResumptionProof {
  if (isResumed !== true) throw new XpsError('internal_error', { detail: 'not a resumption' });
  return new ResumptionProof(MINT, leaf);
}

/** docs/PROTOCOL.md §6.7. `side` is who sent the Finished. */
export function proveFinished(
  crypto: Crypto,
  secrets: HandshakeSecrets,
  side: Side,
  transcript: Bytes,
  verifyData: Bytes,
): FinishedProof {
  if (!crypto.equal(secrets.finished(side, transcript), verifyData)) {
    throw new XpsError('finished_invalid', { detail: `Finished of the ${side}` });
  }
  return new FinishedProof(MINT);
}
