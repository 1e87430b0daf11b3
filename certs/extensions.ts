import type { Bytes } from '../base/bytes.ts';
import type { GeneralName } from './general-names.ts';

/** Bits of KeyUsage, RFC 5280 §4.2.1.3. */
export type KeyUsageBit =
  | 'digitalSignature'
  | 'nonRepudiation'
  | 'keyEncipherment'
  | 'dataEncipherment'
  | 'keyAgreement'
  | 'keyCertSign'
  | 'cRLSign'
  | 'encipherOnly'
  | 'decipherOnly';

/** The extensions of a certificate that path validation knows. Undefined: absent. */
export interface CertificateExtensions {
  readonly basicConstraints: { readonly isCa: boolean; readonly pathLength: number | undefined; readonly isCritical: boolean } | undefined;
  readonly keyUsage: ReadonlySet<KeyUsageBit> | undefined;
  /** Key purposes as OIDs. */
  readonly extendedKeyUsage: ReadonlySet<string> | undefined;
  readonly subjectAltNames: readonly GeneralName[] | undefined;
  readonly subjectKeyId: Bytes | undefined;
  readonly authorityKeyId: { readonly keyId: Bytes | undefined; readonly issuer: readonly GeneralName[] | undefined; readonly serial: Bytes | undefined } | undefined;
  /** HTTP(S) addresses of OCSP responders and issuers' certificates (RFC 5280 §4.2.2.1). */
  readonly ocspUris: readonly string[];
  readonly caIssuerUris: readonly string[];
  readonly crlDistributionPoints: readonly DistributionPoint[] | undefined;
  readonly freshestCrl: readonly DistributionPoint[] | undefined;
  /** RFC 7633: the peer has promised to staple. */
  readonly mustStaple: boolean;
}

/** RFC 5280 §4.2.1.13. */
export interface DistributionPoint {
  readonly fullNames: readonly GeneralName[];
}
