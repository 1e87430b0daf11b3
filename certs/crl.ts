import type { Bytes } from '../base/bytes.ts';
import type { Name } from './names.ts';
import type { Signed } from './signed.ts';

/** A parsed CRL, base or delta. Nothing was verified yet: only `validatePath` decides whether it counts. */
export interface Crl extends Signed {
  readonly der: Bytes;
  readonly issuer: Name;
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number | undefined;
  readonly number: bigint;
  /** Set for a delta CRL: the smallest number of a base that it completes. */
  readonly baseNumber: bigint | undefined;
  readonly entryCount: number;
  /** keyIdentifier of authorityKeyIdentifier; with the issuer and `scopeDer` it tells which CRLs replace one another. */
  readonly authorityKeyId: Bytes | undefined;
  /** The DER of issuingDistributionPoint; undefined: the CRL speaks for everything that its issuer issued. */
  readonly scopeDer: Bytes | undefined;
}

/** Strict DER and the rules of RFC 5280 §5. Throws `certificate_malformed`. */
export function parseCrl(der: Bytes): Crl {
  throw new Error(`not reached ${der.length}`);
}
