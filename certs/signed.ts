import type { Bytes } from '../base/bytes.ts';
import type { CertificateSignatureAlgorithm } from '../engines/contract.ts';

/** What certificates, CRLs and OCSP answers have in common: signed bytes, an algorithm, a signature. */
export interface Signed {
  readonly signedBytes: Bytes;
  readonly signature: Bytes;
  /** Undefined when the algorithm is none that is accepted; `signatureOid` says which one it was. */
  readonly signatureAlgorithm: CertificateSignatureForm | undefined;
  readonly signatureOid: string;
}

/** ECDSA names only the hash; the curve comes from the key that verifies. */
export type CertificateSignatureForm =
  | { readonly key: 'ed25519' }
  | { readonly key: 'ecdsa'; readonly hash: 'sha256' | 'sha384' | 'sha512' }
  | { readonly key: 'rsa'; readonly algorithm: CertificateSignatureAlgorithm };
