import type { Bytes } from '../base/bytes.ts';
import type { Certificate } from './certificate.ts';
import type { Crl } from './crl.ts';
import type { OcspResponse } from './ocsp.ts';

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
  /** How long a CRL or OCSP answer still counts after its nextUpdate. */
  readonly statusGraceMs: number;
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
  maxDepth: 10,
  revocation: 'hard',
  statusMaxAgeMs: undefined,
  statusGraceMs: 0,
  clockSkewMs: 0,
  budgets: DEFAULT_BUDGETS,
};
