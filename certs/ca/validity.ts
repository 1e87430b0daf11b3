import { refuse } from './subject-names.ts';

export const DAY_MS = 86_400_000;

export interface Validity {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** The clocks of peers are not exactly ours. */
const BACKDATE_MS = 60_000;
const MAX_DAYS = 36_500;

export interface ValidityWish {
  /** Undefined: the default, cut to what the issuer has left. */
  readonly days: number | undefined;
  readonly defaultDays: number;
  /** Undefined: now, and a minute for the clocks of others. */
  readonly notBeforeMs: number | undefined;
}

/** Whole seconds. Never longer than the issuer itself is valid; throws `ca_request_invalid` when that was asked for. */
export function validity(wish: ValidityWish, nowMs: number, issuer?: Validity): Validity {
  const { days, defaultDays, notBeforeMs } = wish;
  if (issuer !== undefined && nowMs >= issuer.notAfterMs) refuse(`the CA itself expired at ${timeText(issuer.notAfterMs)}`);
  const start = notBeforeMs ?? Math.max(issuer?.notBeforeMs ?? 0, nowMs - BACKDATE_MS);
  const end = (notBeforeMs ?? nowMs) + positiveDays(days ?? defaultDays) * DAY_MS;
  const bound = issuer?.notAfterMs ?? Infinity;
  if (end > bound && days !== undefined) refuse(`${days} days reach beyond the end of the CA itself, ${timeText(bound)}`);
  return { notBeforeMs: wholeSeconds(start), notAfterMs: wholeSeconds(Math.min(end, bound)) };
}

export function positiveDays(days: number): number {
  if (!(days > 0) || days > MAX_DAYS) refuse(`${days} is no number of days between 0 and ${MAX_DAYS}`);
  return days;
}

export function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}

/** RFC 3339 without a fraction. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}
