import type { Bytes } from '../base/bytes.ts';
import { DerReader, SEQUENCE } from './der.ts';

/** Both halves of an ECDSA signature, big-endian without leading zeros. */
export interface EcdsaSignature {
  readonly r: Bytes;
  readonly s: Bytes;
}

/** Strict DER (RFC 3279 §2.2.3); undefined for everything else. The range of r and s is the verifier's to check. */
export function parseEcdsaSignature(der: Bytes): EcdsaSignature | undefined {
  try {
    const outer = new DerReader(der);
    const inner = outer.nested(SEQUENCE);
    outer.end();
    const signature = { r: inner.positiveInteger(), s: inner.positiveInteger() };
    inner.end();
    return signature;
  } catch {
    return undefined;
  }
}
