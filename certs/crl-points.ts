import type { Clock } from '../base/clock.ts';
import { toXpsError, XpsError } from '../base/errors.ts';
import { BackOff, type RefreshTiming, refreshPauseMs } from './back-off.ts';
import type { Certificate } from './certificate.ts';
import type { Crl } from './crl.ts';
import { MAX_CRL_BYTES } from './crl-files.ts';
import { readCrls } from './crl-parsing.ts';
import type { CrlStore } from './crl-store.ts';
import { pointUris } from './distribution-points.ts';
import type { CertsLog } from './events.ts';
import { isFetchable, type StatusFetcher } from './status-fetch.ts';

const FETCH_MS = 15_000;
const MAX_POINTS = 1024;
const MAX_URLS_EACH = 8;
const FIRST_PAUSE_MS = 5000;
const GREATEST_PAUSE_MS = 10 * 60_000;
/** CAs publish ahead of nextUpdate when they revoke: half of the time that is left, within these bounds. */
const TIMING: RefreshTiming = { shortestMs: 60_000, longestMs: 60 * 60_000 };
const FORGOTTEN_MS = 24 * 60 * 60_000;

/** Whether one of the candidates signed the CRL. */
export type CrlSignatureCheck = (crl: Crl, candidates: readonly Certificate[]) => boolean;

interface Point {
  readonly url: string;
  readonly backOff: BackOff;
  /** Who may have signed what comes from here. */
  candidates: readonly Certificate[];
  failure: XpsError | undefined;
  /** Monotonic; before it the point is left alone. */
  dueMs: number;
  fetching: Promise<void> | undefined;
  lastUsedMs: number;
}

export interface CrlPointsParts {
  readonly fetcher: StatusFetcher;
  readonly clock: Clock;
  readonly store: CrlStore;
  readonly isSigned: CrlSignatureCheck;
  readonly log: CertsLog;
  readonly timing?: RefreshTiming | undefined;
  /** The store has news. */
  readonly onNews: () => void;
}

/**
 * Fetches CRLs from the distribution points of certificates whose path was validated, and keeps them current. What comes
 * over plain HTTP counts only when a CA of that path signed it: a forged CRL must neither speak nor displace a real one.
 */
export class CrlPoints implements Disposable {
  readonly #parts: CrlPointsParts;
  readonly #points = new Map<string, Point>();
  #timer: NodeJS.Timeout | undefined;
  #isDisposed = false;

  constructor(parts: CrlPointsParts) {
    this.#parts = parts;
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    clearTimeout(this.#timer);
    this.#points.clear();
  }

  /**
   * Fetches what the certificate's points hold, unless that was done a short time ago. All URLs are tried, those of one
   * certificate side by side: they may be copies of one CRL, or its parts. Resolves with the failures.
   */
  async learn(certificate: Certificate, candidates: readonly Certificate[]): Promise<readonly XpsError[]> {
    const { crlDistributionPoints = [], freshestCrl = [] } = certificate.extensions;
    const urls = [...new Set([...pointUris(crlDistributionPoints), ...pointUris(freshestCrl)])].filter(isFetchable).slice(0, MAX_URLS_EACH);
    const failures = await Promise.all(urls.map(async (url) => {
      const point = this.#point(url, candidates);
      if (point.fetching === undefined && this.#parts.clock.monotonicMs() < point.dueMs) return point.failure;
      await this.#fetch(point);
      return point.failure;
    }));
    return failures.filter((failure) => failure !== undefined);
  }

  #fetch(point: Point): Promise<void> {
    point.fetching ??= this.#fetchOnce(point).finally(() => {
      point.fetching = undefined;
    });
    return point.fetching;
  }

  async #fetchOnce(point: Point): Promise<void> {
    const { fetcher, clock, log } = this.#parts;
    try {
      const bytes = await fetcher.fetch({ url: point.url, accept: 'application/pkix-crl, */*;q=0.1', maxBytes: MAX_CRL_BYTES, timeoutMs: FETCH_MS });
      let pauseMs = (this.#parts.timing ?? TIMING).longestMs;
      for (const crl of await readCrls(bytes)) pauseMs = Math.min(pauseMs, this.#admit(crl, point));
      point.failure = undefined;
      point.backOff.succeeded();
      point.dueMs = clock.monotonicMs() + pauseMs;
    } catch (thrown) {
      const error = toXpsError(thrown);
      const isNamed = error.reason === 'crl_rolled_back' || error.reason === 'status_fetch_failed';
      point.failure = isNamed ? error : unusable(point, error.detail, error);
      point.dueMs = clock.monotonicMs() + point.backOff.failed();
      log({ level: 'warn', what: 'failed', detail: point.failure.message, error: point.failure });
    }
    this.#schedule();
  }

  /** Milliseconds until the next look at this CRL. */
  #admit(crl: Crl, point: Point): number {
    const { store, isSigned, clock, log, onNews, timing = TIMING } = this.#parts;
    if (!isSigned(crl, point.candidates)) throw unusable(point, 'its CRL is not signed by a CA of the path');
    if (store.admit(crl, point.url)) {
      log({ level: 'info', what: 'crl_fetched', detail: `${point.url.slice(0, 256)}: number ${crl.number}, ${crl.entryCount} entries` });
      onNews();
    }
    return refreshPauseMs((crl.nextUpdateMs ?? Number.POSITIVE_INFINITY) - clock.wallMs(), timing);
  }

  #point(url: string, candidates: readonly Certificate[]): Point {
    let point = this.#points.get(url);
    if (point === undefined) {
      if (this.#points.size >= MAX_POINTS) this.#points.delete(this.#points.keys().next().value as string);
      point = { url, backOff: new BackOff(FIRST_PAUSE_MS, GREATEST_PAUSE_MS), candidates, failure: undefined, dueMs: 0, fetching: undefined, lastUsedMs: 0 };
      this.#points.set(url, point);
    }
    point.candidates = candidates;
    point.lastUsedMs = this.#parts.clock.monotonicMs();
    return point;
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#isDisposed) return;
    const nowMs = this.#parts.clock.monotonicMs();
    const { shortestMs, longestMs } = this.#parts.timing ?? TIMING;
    let nextMs = longestMs;
    for (const { dueMs } of this.#points.values()) nextMs = Math.min(nextMs, dueMs - nowMs);
    this.#timer = setTimeout(() => this.#refresh(), Math.max(nextMs, Math.min(shortestMs, 1000)));
    this.#timer.unref();
  }

  #refresh(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    for (const [url, point] of this.#points) {
      if (nowMs - point.lastUsedMs > FORGOTTEN_MS && point.fetching === undefined) this.#points.delete(url);
      else if (point.dueMs <= nowMs) void this.#fetch(point);
    }
    this.#schedule();
  }
}

function unusable({ url }: Point, why: string, cause?: unknown): XpsError {
  return new XpsError('status_fetch_failed', { detail: `${url.slice(0, 256)}: ${why}`, cause });
}
