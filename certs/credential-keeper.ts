import type { Bytes } from '../base/bytes.ts';
import { equalBytes } from '../base/bytes.ts';
import type { Clock } from '../base/clock.ts';
import { toXpsError, XpsError } from '../base/errors.ts';
import { BackOff } from './back-off.ts';
import type { Credential, Staple, StapleFetcher } from './contract.ts';
import { type CertsEvent, type CertsLog, Listeners } from './events.ts';

export interface StapleTiming {
  /** A new credential goes out without a staple rather than later than this. */
  readonly firstMs: number;
  /** Between attempts that fail. */
  readonly shortestPauseMs: number;
  readonly longestPauseMs: number;
}

const TIMING: StapleTiming = { firstMs: 5000, shortestPauseMs: 5000, longestPauseMs: 10 * 60_000 };
/** Timers are set anew at least this often, so that a clock that was set is noticed. */
const LONGEST_TIMER_MS = 60 * 60_000;
const EXPIRES_SOON_SHARE = 0.1;

const NO_STAPLE: Bytes = new Uint8Array(0);

/** Holds our current credential for a source, keeps a staple with it, and tells whoever listens. */
export class CredentialKeeper implements Disposable {
  readonly #clock: Clock;
  readonly #log: CertsLog;
  readonly #changes = new Listeners<undefined>();
  readonly #failures = new Listeners<Error>();
  readonly #timing: StapleTiming;
  readonly #backOff: BackOff;
  #current: Credential | undefined;
  #fetcher: StapleFetcher | undefined;
  #staple: Staple | undefined;
  /** After a failure: when to try again. */
  #retryMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #turn = 0;
  #isDisposed = false;

  constructor(clock: Clock, log: CertsLog = () => {}, timing: StapleTiming = TIMING) {
    this.#clock = clock;
    this.#log = log;
    this.#timing = timing;
    this.#backOff = new BackOff(timing.shortestPauseMs, timing.longestPauseMs);
  }

  get hasCurrent(): boolean {
    return this.#current !== undefined;
  }

  get current(): Credential {
    if (this.#current === undefined) throw new XpsError('internal_error', { detail: 'a credential was used before it was read' });
    return this.#current;
  }

  onChange(listener: () => void): () => void {
    return this.#changes.add(listener);
  }

  onFailure(listener: (error: Error) => void): () => void {
    return this.#failures.add(listener);
  }

  /** `credential` is checked and comes without a staple. It is published after the first attempt at one. */
  async replace(credential: Credential): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    if (this.#current !== undefined && isSame(this.#current, credential)) return;
    const staple = await this.#firstStaple(credential);
    // A newer one came while this one waited for its staple.
    if (this.#isDisposed || turn !== this.#turn) return;
    this.#staple = staple;
    this.#publish(credential);
    this.#log(loaded(credential, this.#clock.wallMs()));
    this.#schedule();
  }

  async staple(fetcher: StapleFetcher): Promise<void> {
    this.#fetcher = fetcher;
    if (this.#current === undefined) return;
    const staple = await this.#firstStaple(this.#current);
    if (this.#isDisposed) return;
    this.#take(staple);
    this.#schedule();
  }

  fail(thrown: unknown): void {
    const error = toXpsError(thrown);
    this.#log({ level: 'error', what: 'failed', detail: error.message, error });
    this.#failures.tell(error);
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    clearTimeout(this.#timer);
    this.#changes.clear();
    this.#failures.clear();
  }

  #publish(credential: Credential): void {
    const staple = this.#staple?.der ?? NO_STAPLE;
    this.#current = { ...credential, presented: { chain: credential.presented.chain, staple } };
    this.#changes.tell(undefined);
  }

  async #firstStaple(credential: Credential): Promise<Staple | undefined> {
    if (this.#fetcher === undefined) return undefined;
    const attempt = this.#fetch(credential);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, this.#timing.firstMs, 'late');
    });
    const outcome = await Promise.race([attempt, late]);
    clearTimeout(timer);
    if (outcome !== 'late') return outcome;
    this.#retryMs = this.#timing.shortestPauseMs;
    return undefined;
  }

  async #fetch({ presented }: Credential): Promise<Staple | undefined> {
    try {
      const staple = await this.#fetcher?.fetchStaple(presented.chain);
      this.#backOff.succeeded();
      this.#retryMs = undefined;
      if (staple !== undefined) this.#log({ level: 'info', what: 'staple_fetched', detail: `valid until ${new Date(staple.validUntilMs).toISOString()}` });
      return staple;
    } catch (thrown) {
      this.#retryMs = this.#backOff.failed();
      this.fail(thrown);
      return undefined;
    }
  }

  #take(staple: Staple | undefined): void {
    if (staple === undefined || this.#current === undefined) return;
    this.#staple = staple;
    this.#publish(this.#current);
  }

  /** The next look at the staple: when it should be renewed, when it ends, or after a failure. */
  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#fetcher === undefined || this.#isDisposed) return;
    const nowMs = this.#clock.wallMs();
    const dueMs = this.#retryMs ?? (this.#staple === undefined ? Number.POSITIVE_INFINITY : this.#staple.refreshAtMs - nowMs);
    const isDue = dueMs <= LONGEST_TIMER_MS;
    this.#timer = setTimeout(() => void (isDue ? this.#renew() : this.#schedule()), Math.max(Math.min(dueMs, LONGEST_TIMER_MS), 0));
    this.#timer.unref();
  }

  async #renew(): Promise<void> {
    const credential = this.#current;
    if (credential === undefined) return;
    const staple = await this.#fetch(credential);
    if (this.#isDisposed || this.#current?.key !== credential.key) return;
    if (staple === undefined) this.#dropExpired();
    else this.#take(staple);
    this.#schedule();
  }

  /** A staple that has ended is worse than none: a peer that would look elsewhere refuses it. */
  #dropExpired(): void {
    if (this.#staple === undefined || this.#current === undefined || this.#clock.wallMs() < this.#staple.validUntilMs) return;
    this.#staple = undefined;
    this.#publish(this.#current);
  }
}

function isSame(a: Credential, b: Credential): boolean {
  const chains = [a.presented.chain, b.presented.chain] as const;
  return chains[0].length === chains[1].length && chains[0].every((certificate, i) => equalBytes(certificate, chains[1][i] as Bytes));
}

function loaded(credential: Credential, nowMs: number): CertsEvent {
  const until = new Date(credential.notAfterMs).toISOString();
  const { name, notAfterMs, notBeforeMs } = credential;
  if (notAfterMs <= nowMs) return { level: 'warn', what: 'credential_expires', detail: `${name} has expired, at ${until}: peers will refuse it` };
  if (notBeforeMs > nowMs) {
    const from = new Date(notBeforeMs).toISOString();
    return { level: 'warn', what: 'credential_expires', detail: `${name} is not valid before ${from}: compare the clocks` };
  }
  const isSoon = notAfterMs - nowMs < (notAfterMs - notBeforeMs) * EXPIRES_SOON_SHARE;
  if (isSoon) return { level: 'warn', what: 'credential_expires', detail: `${name} expires soon, at ${until}` };
  return { level: 'info', what: 'credential_loaded', detail: `${name}, valid until ${until}` };
}
