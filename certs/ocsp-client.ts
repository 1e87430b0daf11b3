import { type Bytes, equalBytes, toHex } from '../base/bytes.ts';
import type { Clock } from '../base/clock.ts';
import { toXpsError, XpsError } from '../base/errors.ts';
import type { Crypto } from '../engines/contract.ts';
import { BackOff, type RefreshTiming, refreshPauseMs } from './back-off.ts';
import type { Certificate } from './certificate.ts';
import type { CertsLog } from './events.ts';
import { type OcspResponse, parseOcspResponse } from './ocsp.ts';
import { encodeOcspRequest } from './ocsp-request.ts';
import { describe } from './proven-chain.ts';
import { isFetchable, type StatusFetcher } from './status-fetch.ts';

const MAX_ANSWER_BYTES = 64 * 1024;
const FETCH_MS = 4000;
const NONCE_BYTES = 32;
const MAX_RESPONDERS = 4;
const MAX_SLOTS = 8192;
const FIRST_PAUSE_MS = 2000;
const GREATEST_PAUSE_MS = 5 * 60_000;
const TIMING: RefreshTiming = { shortestMs: 30_000, longestMs: 60 * 60_000 };
/** What nobody asked for in this time is not kept current any more. */
const FORGOTTEN_MS = 2 * 60 * 60_000;

/** What a verified answer says about one certificate. */
export interface OcspOpinion {
  readonly status: 'good' | 'revoked';
  readonly untilMs: number;
}

/** Verifies an answer: signed by the issuer or its delegate, about this certificate, of this time. Undefined: it does not count. */
export type OcspEvaluator = (response: OcspResponse, certificate: Certificate, issuer: Certificate) => OcspOpinion | undefined;

export interface OcspAnswer extends OcspOpinion {
  readonly response: OcspResponse;
  readonly refreshAtMs: number;
}

interface Slot {
  readonly certificate: Certificate;
  readonly issuer: Certificate;
  readonly backOff: BackOff;
  answer: OcspAnswer | undefined;
  failure: XpsError | undefined;
  notBeforeMs: number;
  asking: Promise<void> | undefined;
  lastUsedMs: number;
  version: number;
}

export interface OcspClientParts {
  readonly fetcher: StatusFetcher;
  readonly crypto: Crypto;
  readonly clock: Clock;
  readonly evaluate: OcspEvaluator;
  readonly log: CertsLog;
  readonly timing?: RefreshTiming | undefined;
  /** Somebody whose answers are in use was revoked since. */
  readonly onRevoked: () => void;
}

/** Asks responders about certificates whose path was validated, remembers verified answers, and keeps those in use current. */
export class OcspClient implements Disposable {
  readonly #parts: OcspClientParts;
  readonly #slots = new Map<string, Slot>();
  #timer: NodeJS.Timeout | undefined;
  #isDisposed = false;

  constructor(parts: OcspClientParts) {
    this.#parts = parts;
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    clearTimeout(this.#timer);
    this.#slots.clear();
  }

  /** What is known of a certificate, now. */
  known(certificate: Certificate): OcspAnswer | undefined {
    const slot = this.#slots.get(this.#key(certificate));
    if (slot === undefined) return undefined;
    const nowMs = this.#parts.clock.wallMs();
    slot.lastUsedMs = nowMs;
    return slot.answer !== undefined && nowMs < slot.answer.untilMs ? slot.answer : undefined;
  }

  /** Changes when another answer took the place of the one that a verdict rests on. */
  version(certificate: Certificate): number {
    const slot = this.#slots.get(this.#key(certificate));
    if (slot !== undefined) slot.lastUsedMs = this.#parts.clock.wallMs();
    return slot?.version ?? 0;
  }

  /** Resolves when the answer is known. Rejects with `status_fetch_failed`, at once while a failure is recent. */
  async ask(certificate: Certificate, issuer: Certificate): Promise<void> {
    const slot = this.#slot(certificate, issuer);
    if (this.known(certificate) !== undefined) return;
    if (slot.failure !== undefined && this.#parts.clock.monotonicMs() < slot.notBeforeMs) throw slot.failure;
    await this.#renew(slot);
    if (slot.failure !== undefined) throw slot.failure;
  }

  /** One answer that is not kept here, for our own staple: without a nonce, so that responders may sign it in advance. */
  async fetch(certificate: Certificate, issuer: Certificate, nonce?: Bytes): Promise<OcspAnswer> {
    const { fetcher, evaluate, clock, timing = TIMING } = this.#parts;
    const body = { type: 'application/ocsp-request', bytes: encodeOcspRequest(certificate, issuer, nonce) };
    let failure = refused(`${describe(certificate)} names no responder that can be asked`);
    for (const url of certificate.extensions.ocspUris.filter(isFetchable).slice(0, MAX_RESPONDERS)) {
      try {
        const bytes = await fetcher.fetch({ url, body, accept: 'application/ocsp-response', maxBytes: MAX_ANSWER_BYTES, timeoutMs: FETCH_MS });
        const response = parseOcspResponse(bytes);
        if (nonce !== undefined && response.nonce !== undefined && !equalBytes(response.nonce, nonce)) throw refused('the answer has another nonce');
        const opinion = evaluate(response, certificate, issuer);
        if (opinion === undefined) throw refused('the answer is not signed by whom it must be, or says nothing about this certificate now');
        const nowMs = clock.wallMs();
        return { ...opinion, response, refreshAtMs: nowMs + refreshPauseMs(opinion.untilMs - nowMs, timing) };
      } catch (thrown) {
        failure = refused(`${describe(certificate)} by ${url.slice(0, 256)}: ${toXpsError(thrown).detail}`, thrown);
      }
    }
    throw failure;
  }

  #renew(slot: Slot): Promise<void> {
    slot.asking ??= this.#askOnce(slot).finally(() => {
      slot.asking = undefined;
    });
    return slot.asking;
  }

  async #askOnce(slot: Slot): Promise<void> {
    const { crypto, clock, log, onRevoked } = this.#parts;
    try {
      const answer = await this.fetch(slot.certificate, slot.issuer, crypto.random(NONCE_BYTES));
      const wasGood = slot.answer?.status === 'good';
      slot.answer = answer;
      slot.failure = undefined;
      slot.version += 1;
      slot.backOff.succeeded();
      log({ level: 'info', what: 'ocsp_answered', detail: `${describe(slot.certificate)} is ${answer.status}` });
      if (wasGood && answer.status === 'revoked') onRevoked();
    } catch (thrown) {
      slot.failure = toXpsError(thrown);
      slot.notBeforeMs = clock.monotonicMs() + slot.backOff.failed();
      log({ level: 'warn', what: 'failed', detail: slot.failure.message, error: slot.failure });
    }
    this.#schedule();
  }

  #slot(certificate: Certificate, issuer: Certificate): Slot {
    const key = this.#key(certificate);
    const known = this.#slots.get(key);
    if (known !== undefined) return known;
    if (this.#slots.size >= MAX_SLOTS) this.#slots.delete(this.#slots.keys().next().value as string);
    const slot: Slot = {
      certificate,
      issuer,
      backOff: new BackOff(FIRST_PAUSE_MS, GREATEST_PAUSE_MS),
      answer: undefined,
      failure: undefined,
      notBeforeMs: 0,
      asking: undefined,
      lastUsedMs: this.#parts.clock.wallMs(),
      version: 0,
    };
    this.#slots.set(key, slot);
    return slot;
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#isDisposed) return;
    const nowMs = this.#parts.clock.wallMs();
    const { shortestMs, longestMs } = this.#parts.timing ?? TIMING;
    let nextMs = longestMs;
    for (const slot of this.#slots.values()) nextMs = Math.min(nextMs, this.#dueAtMs(slot) - nowMs);
    this.#timer = setTimeout(() => this.#refresh(), Math.max(nextMs, Math.min(shortestMs, 1000)));
    this.#timer.unref();
  }

  #dueAtMs({ answer, failure, notBeforeMs }: Slot): number {
    if (answer === undefined) return Number.POSITIVE_INFINITY;
    const { clock } = this.#parts;
    return failure === undefined ? answer.refreshAtMs : clock.wallMs() + Math.max(notBeforeMs - clock.monotonicMs(), 0);
  }

  #refresh(): void {
    const nowMs = this.#parts.clock.wallMs();
    for (const [key, slot] of this.#slots) {
      if (nowMs - slot.lastUsedMs > FORGOTTEN_MS && slot.asking === undefined) this.#slots.delete(key);
      else if (this.#dueAtMs(slot) <= nowMs) void this.#renew(slot);
    }
    this.#schedule();
  }

  #key({ der }: Certificate): string {
    return toHex(this.#parts.crypto.hash.hash('sha256', der));
  }
}

function refused(detail: string, cause?: unknown): XpsError {
  return new XpsError('status_fetch_failed', { detail, cause });
}
