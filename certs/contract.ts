import type { Bytes } from '../base/bytes.ts';
import type { SigningKey, VerifyingKey } from '../engines/contract.ts';
import type { AuthorisedPeer } from './authorisation.ts';
import type { PeerRules } from './peer-rules.ts';

/** What the rest of the product asks of certificates: our own credential, and verdicts about peers. */

/** What a peer sent: DER certificates, leaf first, and a DER OCSP response for the leaf (empty: none). */
export interface Presented {
  readonly chain: readonly Bytes[];
  readonly staple: Bytes;
}

/** What this side presents, with the key that proves it. The key was checked to match the leaf. */
export interface Credential {
  readonly presented: Presented;
  readonly key: SigningKey;
  /** For logs and status pages; escaped by whoever prints it. */
  readonly name: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** An OCSP answer about our own leaf. */
export interface Staple {
  readonly der: Bytes;
  /** When to fetch the next one. */
  readonly refreshAtMs: number;
  readonly validUntilMs: number;
}

/** Fetches staples for our own credential. */
export interface StapleFetcher {
  /**
   * A verified answer that says "good" about the leaf of `chain`; undefined when the leaf names no responder. Rejects with
   * `status_fetch_failed`, or `certificate_revoked` when that is the answer.
   */
  fetchStaple(chain: readonly Bytes[]): Promise<Staple | undefined>;
}

/** Where our credential comes from: mounted files, or a SPIFFE Workload API. A failed reload keeps the last good one. */
export interface CredentialSource extends Disposable {
  readonly current: Credential;
  /** Called after `current` became another one, fresh staples included. Returns the way to stop it. */
  onChange(listener: () => void): () => void;
  onFailure(listener: (error: Error) => void): () => void;
  /** Reads again now. Rejects with `credential_invalid` or `identity_source_failed` and keeps what was. */
  reload(): Promise<void>;
  /**
   * From now on `current` carries an OCSP staple where its leaf names a responder; it is renewed before it ends. Resolves
   * after the first attempt, within seconds, successful or not (then `onFailure` was told and it is tried again).
   */
  staple(fetcher: StapleFetcher): Promise<void>;
}

/** Where our own identity comes from. Structurally what sidecar/config calls IdentityConfig. */
export type IdentitySettings =
  | { readonly certFile: string; readonly keyFile: string }
  | { readonly spiffeSocket: string; readonly spiffeId: string | undefined };

/** The role of the certificate's holder. */
export type Purpose = 'client' | 'server';

/** Judges peers against the trust of now and the rules of one tunnel. */
export interface PeerJudge {
  /**
   * Path, validity, usage, revocation, pins, then the rules. Throws or rejects with an XpsError (certificate_*,
   * peer_not_allowed, peer_denied …) whose detail names the certificate and the check. Synchronous unless
   * revocation data has to be fetched.
   */
  judge(presented: Presented, purpose: Purpose): AuthorisedPeer | Promise<AuthorisedPeer>;
}

export type TrustChange = 'bundles' | 'pins' | 'crl' | 'ocsp';

/** What is trusted now, with everything that keeps it current. One per process. */
export interface Trust extends Disposable {
  /** 32 bytes over bundles, pins and revocation policy: docs/PROTOCOL.md §6.4. Changes when they change. */
  readonly digest: Bytes;
  /** SHA-256 of the SubjectPublicKeyInfo of anchors, at most 32 of them. */
  readonly caHints: readonly Bytes[];
  judgeFor(rules: PeerRules): PeerJudge;
  /** Strict parse of a leaf for its public key; throws `certificate_malformed` or `certificate_weak`. */
  leafKey(leaf: Bytes): VerifyingKey;
  /** After a change every open channel is to be judged again. Returns the way to stop it. */
  onChange(listener: (change: TrustChange) => void): () => void;
  onFailure(listener: (error: Error) => void): () => void;
  /**
   * Reads everything again now. Rejects when a file cannot be used: bundles stay as they were, all of them; of CRLs, those
   * that can be used are.
   */
  reload(): Promise<void>;
  /** Takes other settings from now on: bundles, pins, revocation. Rejects and keeps the old ones when they cannot be used. */
  update(settings: TrustSettings): Promise<void>;
  /** For `staple` of our own credential source; undefined when `ocsp.staple` is off. */
  readonly staples: StapleFetcher | undefined;
  /** For the status page and metrics. */
  readonly status: TrustStatus;
}

export interface TrustStatus {
  readonly anchors: readonly { readonly name: string; readonly notAfterMs: number; readonly file: string }[];
  readonly crls: readonly { readonly issuer: string; readonly thisUpdateMs: number; readonly nextUpdateMs: number | undefined; readonly revoked: number; readonly source: string }[];
  /** Peers let through although their status was unknown (`mode: soft`). */
  readonly softPasses: number;
  readonly verdicts: Readonly<Record<string, number>>;
}

export interface BundleSettings {
  /** PEM of trust anchors. */
  readonly file: string;
  /** Lower-case hex digests of which the file must have one; empty: any content is accepted. */
  readonly sha256: readonly string[];
  /** Its anchors vouch for SPIFFE IDs of this trust domain only (federation); absent: for every name. */
  readonly trustDomain?: string | undefined;
}

/** Structurally what sidecar/config calls TrustConfig. */
export interface TrustSettings {
  readonly bundles: readonly BundleSettings[];
  readonly pins: readonly string[];
  readonly revocation: {
    readonly mode: 'hard' | 'soft' | 'off';
    readonly crl: readonly string[];
    /** Fetch CRLs from the distribution points of certificates (http:// only). */
    readonly fetchCrls: boolean;
    /** How long a CRL or OCSP answer is used after its nextUpdate. */
    readonly graceMs: number;
    readonly ocsp: { readonly staple: boolean; readonly query: boolean; readonly requireStaple: boolean };
  };
  readonly clockSkewMs: number;
}
