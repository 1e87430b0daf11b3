import type { Bytes } from '../base/bytes.ts';
import type { CertificateExtensions } from './extensions.ts';
import type { Name } from './names.ts';
import type { PublicKeyForm } from './public-key.ts';
import type { Signed } from './signed.ts';

/** A parsed certificate. Everything in it was checked against the encoding rules; nothing was verified yet. */
export interface Certificate extends Signed {
  readonly der: Bytes;
  readonly version: 1 | 2 | 3;
  /** The content of the INTEGER: positive, at most 20 octets. */
  readonly serial: Bytes;
  readonly issuer: Name;
  readonly subject: Name;
  readonly notBeforeMs: number;
  /** The last second in which the certificate is valid, as it was written: that second counts to its end. */
  readonly notAfterMs: number;
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Bytes;
  readonly publicKey: PublicKeyForm;
  readonly issuerUniqueId: Bytes | undefined;
  readonly subjectUniqueId: Bytes | undefined;
  readonly extensions: CertificateExtensions;
  /** Issuer and subject are the same name, whoever signed (RFC 5280 §3.2). */
  readonly isSelfIssued: boolean;
}

/** Strict DER and every rule of RFC 5280 §4 that one certificate alone can break. Throws `certificate_malformed`. */
export function parseCertificate(der: Bytes): Certificate {
  throw new Error(`not reached ${der.length}`);
}
