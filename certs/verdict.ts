import type { Reason } from '../base/reasons.ts';
import type { Certificate } from './certificate.ts';

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

/** What stands against a certificate. */
export interface Failure {
  readonly code: RefusalCode;
  /** One clause for people; names in it are escaped (RFC 4514). */
  readonly reason: string;
  /** The certificate to blame; undefined when it is none of those given. */
  readonly certificate: Certificate | undefined;
}

export function failure(code: RefusalCode, certificate: Certificate | undefined, reason: string): Failure {
  return { code, reason, certificate };
}

export interface StatusOnPath {
  readonly certificate: Certificate;
  /** `unknown` only under `soft`; `unchecked`: revocation is off, or the CA says that there is nothing (RFC 9608). */
  readonly status: 'good' | 'unknown' | 'unchecked';
  /** What said so; undefined when nothing did. */
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

export interface Refused extends Failure {
  readonly valid: false;
  /** As far as it was built, leaf first. */
  readonly path: readonly Certificate[];
}

export type Verdict = Accepted | Refused;
