import type { Bytes } from '../base/bytes.ts';
import type { Reason } from '../base/reasons.ts';
import type { Crypto } from '../engines/contract.ts';
import type { Certificate } from './certificate.ts';
import type { Crl } from './crl.ts';
import type { OcspResponse } from './ocsp.ts';

/**
 * Path building and validation as a pure function: no clock, no network, no files. The front of the validator; the
 * parts are path-search.ts (RFC 4158), path-rules.ts (RFC 5280 §6.1), policies.ts (RFC 9618) and revocation.ts
 * (RFC 5280 §6.3, RFC 6960).
 */

/** Stable words of `xpscerpto verify`; `CODE_REASONS` gives the reason of an XpsError for each. */
export type RefusalCode =
  | 'revoked'
  | 'status_unknown'
  | 'expired'
  | 'not_yet_valid'
  | 'untrusted'
  | 'bad_signature'
  | 'wrong_name'
  | 'wrong_usage'
  | 'constraint'
  | 'policy'
  | 'malformed'
  | 'weak'
  | 'limit';

export const CODE_REASONS: Readonly<Record<RefusalCode, Reason>> = {
  revoked: 'certificate_revoked',
  status_unknown: 'certificate_status_unknown',
  expired: 'certificate_expired',
  not_yet_valid: 'certificate_not_yet_valid',
  untrusted: 'certificate_untrusted',
  bad_signature: 'certificate_signature_invalid',
  wrong_name: 'certificate_wrong_name',
  wrong_usage: 'certificate_wrong_usage',
  constraint: 'certificate_constraint',
  policy: 'certificate_policy',
  malformed: 'certificate_malformed',
  weak: 'certificate_weak',
  limit: 'certificate_limit',
};

/** A name that the leaf must carry in its subject alternative names. The subject's CN never counts. */
export type ExpectedName =
  | { readonly kind: 'dns'; readonly value: string }
  | { readonly kind: 'uri'; readonly value: string }
  | { readonly kind: 'email'; readonly value: string }
  /** 4 or 16 bytes. */
  | { readonly kind: 'ip'; readonly value: Bytes };

/** Upper bounds on the work for one verdict; beyond them the code is `limit`. */
export interface Budgets {
  /** Signature verifications, CRLs and OCSP answers included. */
  readonly signatures: number;
  /** Candidates for an issuer that are looked at. */
  readonly steps: number;
  /** Comparisons of a name with a name constraint. */
  readonly nameComparisons: number;
}

export const DEFAULT_BUDGETS: Budgets = { signatures: 32, steps: 100, nameComparisons: 100_000 };

export interface ValidationRequest {
  readonly leaf: Certificate;
  /** Candidates in any order; what does not belong to a path is ignored. */
  readonly intermediates: readonly Certificate[];
  readonly anchors: readonly Certificate[];
  /** Base and delta CRLs of anybody, in any order. */
  readonly crls: readonly Crl[];
  /** OCSP answers, stapled, queried or cached, for any certificate of the path. */
  readonly ocsp: readonly OcspResponse[];
  readonly timeMs: number;
  /** Role of the leaf's holder; `any` asks for no usage. */
  readonly purpose: 'client' | 'server' | 'any';
  /** All must match; empty: none is asked for. */
  readonly names: readonly ExpectedName[];
  /** user-initial-policy-set; empty: any policy. */
  readonly policies: readonly string[];
  readonly requireExplicitPolicy: boolean;
  readonly inhibitPolicyMapping: boolean;
  readonly inhibitAnyPolicy: boolean;
  /** `certificate`: an anchor's own extensions and dates bind; `key`: name and key only (RFC 5280 §6.1.1 d). */
  readonly anchorMode: 'certificate' | 'key';
  readonly minRsaBits: number;
  /** Intermediates allowed between leaf and anchor that are not self-issued. */
  readonly maxDepth: number;
  readonly revocation: 'hard' | 'soft' | 'off';
  /** Greatest age of a CRL or OCSP answer by its thisUpdate; undefined: only nextUpdate counts. */
  readonly statusMaxAgeMs: number | undefined;
  /** Tolerance for all times, in both directions. */
  readonly clockSkewMs: number;
  readonly budgets: Budgets;
}

/** What an application that only knows its certificates asks: hard revocation, no policies, no names. */
export const REQUEST_DEFAULTS: Omit<ValidationRequest, 'leaf' | 'intermediates' | 'anchors' | 'crls' | 'ocsp' | 'timeMs' | 'purpose'> = {
  names: [],
  policies: [],
  requireExplicitPolicy: false,
  inhibitPolicyMapping: false,
  inhibitAnyPolicy: false,
  anchorMode: 'certificate',
  minRsaBits: 2048,
  maxDepth: 6,
  revocation: 'hard',
  statusMaxAgeMs: undefined,
  clockSkewMs: 0,
  budgets: DEFAULT_BUDGETS,
};

export type CertificateStatus = 'good' | 'unknown' | 'unchecked';

export interface StatusOnPath {
  readonly certificate: Certificate;
  /** `unknown` only under `soft`; `unchecked`: revocation is off, or the CA says that there is nothing (RFC 9608). */
  readonly status: CertificateStatus;
  /** What said so: `crl`, `ocsp`; undefined when nothing did. */
  readonly source: 'crl' | 'ocsp' | undefined;
}

export interface Accepted {
  readonly valid: true;
  /** Leaf first, trust anchor last. */
  readonly path: readonly Certificate[];
  /** When the verdict has to be taken again: the earliest notAfter, nextUpdate or age limit that it rests on. */
  readonly validUntilMs: number;
  /** One per certificate of the path but the anchor. */
  readonly statuses: readonly StatusOnPath[];
}

export interface Refused {
  readonly valid: false;
  readonly code: RefusalCode;
  /** One clause for people, printable ASCII but for names, which are escaped (RFC 4514). */
  readonly reason: string;
  /** The certificate to blame; undefined when it is none of those given. */
  readonly certificate: Certificate | undefined;
  /** As far as it was built, leaf first. */
  readonly path: readonly Certificate[];
}

export type Verdict = Accepted | Refused;

/** Never throws for what a peer can send; a refusal says why. */
export function validatePath(request: ValidationRequest, crypto: Pick<Crypto, 'signature' | 'hash'>): Verdict {
  throw new Error(`not reached ${request.timeMs} ${crypto.signature.name}`);
}
