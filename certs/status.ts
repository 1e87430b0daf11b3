import type { HashProvider } from '../engines/contract.ts';
import type { Certificate } from './certificate.ts';
import { isoText, type TimeWindow } from './path-rules.ts';
import type { CertificatesBySubject } from './path-search.ts';
import type { ValidationRequest } from './request.ts';
import type { SignatureCheck } from './signature-check.ts';
import type { Failure } from './verdict.ts';
import type { Work } from './work.ts';

/** What CRLs or OCSP answers say about one certificate. */
export type Status =
  | { readonly kind: 'good'; readonly source: 'crl' | 'ocsp'; readonly untilMs: number }
  | { readonly kind: 'revoked'; readonly reason: string }
  /** Why nothing could be learnt, the most telling first. */
  | { readonly kind: 'unknown'; readonly notes: readonly string[] };

/** A certificate whose status is asked for, in its place on a path that was found. */
export interface StatusQuestion {
  readonly certificate: Certificate;
  readonly issuer: Certificate;
  /** From the issuer up, anchor last. */
  readonly above: readonly Certificate[];
}

export interface StatusContext {
  readonly request: ValidationRequest;
  readonly window: TimeWindow;
  readonly signatures: SignatureCheck;
  readonly work: Work;
  readonly hash: HashProvider;
  readonly intermediates: CertificatesBySubject;
  /** Validates the path of a CRL issuer to this anchor, its own status included (RFC 5280 §6.3.3 f). */
  readonly crlIssuerFailure: (crlIssuer: Certificate, anchor: Certificate) => Failure | undefined;
  /** The status of a responder's certificate, from CRLs alone. */
  readonly crlStatus: (question: StatusQuestion) => Status;
}

const SECOND = 1000;
/** RFC 6960 §4.2.2.1: without nextUpdate newer information is always available, so an old answer says little. */
const MAX_AGE_WITHOUT_NEXT_UPDATE_MS = 24 * 3_600_000;

export type Currency = { readonly kind: 'current'; readonly untilMs: number } | { readonly kind: 'future' | 'stale'; readonly note: string };

/** Whether a statement that was made for the time from thisUpdate to nextUpdate counts now. */
export function currency(thisUpdateMs: number, nextUpdateMs: number | undefined, { request, window }: StatusContext): Currency {
  const { statusMaxAgeMs, statusGraceMs, clockSkewMs } = request;
  if (thisUpdateMs > window.latestMs) return { kind: 'future', note: `is from the future (${isoText(thisUpdateMs)})` };
  const ends = [nextUpdateMs === undefined ? thisUpdateMs + (statusMaxAgeMs ?? MAX_AGE_WITHOUT_NEXT_UPDATE_MS) : nextUpdateMs + statusGraceMs];
  if (statusMaxAgeMs !== undefined) ends.push(thisUpdateMs + statusMaxAgeMs);
  const endMs = Math.min(...ends) + SECOND;
  if (window.earliestMs >= endMs) return { kind: 'stale', note: `is out of date since ${isoText(endMs - SECOND)}` };
  return { kind: 'current', untilMs: endMs + clockSkewMs };
}
