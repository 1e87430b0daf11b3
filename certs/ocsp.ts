import type { Bytes } from '../base/bytes.ts';
import type { Signed } from './signed.ts';

/** A parsed OCSP answer of the basic type. Nothing was verified yet: only `validatePath` decides whether it counts. */
export interface OcspResponse extends Signed {
  readonly der: Bytes;
  readonly producedAtMs: number;
  readonly nonce: Bytes | undefined;
}

/**
 * Strict DER and the rules of RFC 6960 §4. Throws `certificate_malformed`, and `certificate_status_unknown` when the
 * responder answered with an error status (tryLater, unauthorized …).
 */
export function parseOcspResponse(der: Bytes): OcspResponse {
  throw new Error(`not reached ${der.length}`);
}
