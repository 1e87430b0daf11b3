// Runs the operator's command that replaces the files of our identity, in time and never twice at once.
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { equalBytes, type Bytes } from '../base/bytes.ts';
import type { Clock } from '../base/clock.ts';
import { BackOff } from '../certs/back-off.ts';
import type { CredentialSource } from '../certs/contract.ts';
import type { FileIdentityConfig, RenewConfig } from './config/schema.ts';
import { escapeForeign } from './escape.ts';
import { errorFields, type Fields, type Log } from './log.ts';

export interface RenewalDependencies {
  readonly credential: CredentialSource;
  readonly clock: Clock;
  readonly log: Log;
  readonly timing?: RenewalTiming;
}

export interface RenewalTiming {
  /** Between attempts that fail: doubled each time. */
  readonly shortestPauseMs: number;
  readonly longestPauseMs: number;
}

const TIMING: RenewalTiming = { shortestPauseMs: 60_000, longestPauseMs: 60 * 60_000 };
/** Timers are set anew at least this often, so that a clock that was set is noticed; far below the 2^31 ms that a timer can hold. */
const LONGEST_TIMER_MS = 60 * 60_000;
/** What a command left behind in the background may hold its output open for this long. */
const OUTPUT_AFTER_EXIT_MS = 500;
/** How long the command may take to end after SIGTERM when the sidecar stops. */
const STOP_MS = 2000;
const KEPT_OUTPUT = 4096;

interface Outcome {
  /** Exit code, or the signal or error that ended it. */
  readonly exit: number | string;
  readonly isTimeout: boolean;
  readonly output: string;
}

export class Renewal implements AsyncDisposable {
  readonly #files: FileIdentityConfig;
  readonly #config: RenewConfig;
  readonly #credential: CredentialSource;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #backOff: BackOff;
  readonly #stopListening: () => void;
  #leaf: Bytes;
  /** Monotonic; after a failure: not before this. */
  #retryAtMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #child: ChildProcess | undefined;
  #running: Promise<void> | undefined;
  #isStopped = false;

  /** Begins to watch at once. The command inherits the environment, with XPS_CERT_FILE and XPS_KEY_FILE added. */
  constructor(files: FileIdentityConfig, config: RenewConfig, { credential, clock, log, timing = TIMING }: RenewalDependencies) {
    this.#files = files;
    this.#config = config;
    this.#credential = credential;
    this.#clock = clock;
    this.#log = log;
    this.#backOff = new BackOff(timing.shortestPauseMs, timing.longestPauseMs);
    this.#leaf = this.#currentLeaf();
    this.#stopListening = credential.onChange(() => this.#changed());
    this.#arm();
  }

  /** No run begins any more; one that is under way gets SIGTERM, and SIGKILL when it does not end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    this.#stopListening();
    clearTimeout(this.#timer);
    if (this.#running === undefined) return;
    this.#kill('SIGTERM');
    // Between its two files it would leave a pair that does not match, so it gets the time to end by itself.
    await Promise.race([this.#running, sleep(STOP_MS, undefined, { ref: false })]);
    this.#kill('SIGKILL');
    await this.#running;
  }

  #currentLeaf(): Bytes {
    return this.#credential.current.presented.chain[0] as Bytes;
  }

  /** Milliseconds until the point of the current certificate. */
  get #leftMs(): number {
    const { notBeforeMs, notAfterMs } = this.#credential.current;
    return notBeforeMs + (notAfterMs - notBeforeMs) * this.#config.at - this.#clock.wallMs();
  }

  /** A fresh staple is a change too, but not a renewal. */
  #changed(): void {
    const leaf = this.#currentLeaf();
    if (equalBytes(leaf, this.#leaf)) return;
    this.#leaf = leaf;
    // One that is already due again does not end the back-off, or a CA with short lives would be asked without pause.
    if (this.#leftMs > 0) {
      this.#backOff.succeeded();
      this.#retryAtMs = 0;
    }
    this.#arm();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#isStopped || this.#running !== undefined) return;
    const dueMs = Math.max(this.#leftMs, this.#retryAtMs - this.#clock.monotonicMs(), 0);
    const isDue = dueMs <= LONGEST_TIMER_MS;
    this.#timer = setTimeout(() => (isDue && this.#leftMs <= 0 ? this.#start() : this.#arm()), Math.ceil(Math.min(dueMs, LONGEST_TIMER_MS)));
    this.#timer.unref();
  }

  #start(): void {
    this.#running = this.#renew().finally(() => {
      this.#running = undefined;
      this.#arm();
    });
  }

  async #renew(): Promise<void> {
    const before = this.#currentLeaf();
    const startedMs = this.#clock.monotonicMs();
    const { exit, isTimeout, output } = await this.#run();
    if (this.#isStopped) return;
    const fields = {
      program: this.#config.command[0],
      exit,
      tookMs: Math.round(this.#clock.monotonicMs() - startedMs),
      output: output === '' ? undefined : output,
    };
    if (isTimeout) return this.#failed('the renewal command took too long and was killed', fields);
    if (exit !== 0) return this.#failed('the renewal command failed', fields);
    try {
      await this.#credential.reload();
    } catch (thrown) {
      return this.#failed('the renewal command left files that cannot be used', { ...fields, ...errorFields(thrown) });
    }
    if (equalBytes(before, this.#currentLeaf())) return this.#failed('the renewal command left the same certificate', fields);
    if (this.#leftMs <= 0) return this.#failed('the renewed certificate is already due for renewal', fields);
    this.#log.info('the renewal command renewed the identity', { ...fields, until: new Date(this.#credential.current.notAfterMs).toISOString() });
  }

  #failed(message: string, fields: Fields): void {
    const pauseMs = this.#backOff.failed();
    this.#retryAtMs = this.#clock.monotonicMs() + pauseMs;
    this.#log.warn(message, { ...fields, failures: this.#backOff.failures, retryInMs: Math.round(pauseMs) });
  }

  /** Never rejects: a program that cannot be started is an outcome too. */
  #run(): Promise<Outcome> {
    const [program, ...words] = this.#config.command;
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    // A group of its own, so that what a script has started is killed with it.
    const child = spawn(program, words, {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, XPS_CERT_FILE: this.#files.certFile, XPS_KEY_FILE: this.#files.keyFile },
    });
    this.#child = child;
    let output = '';
    let isTimeout = false;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-KEPT_OUTPUT);
      });
    }
    const timer = setTimeout(() => {
      isTimeout = true;
      this.#kill('SIGKILL');
    }, this.#config.timeoutMs);
    const end = (exit: number | string): void => {
      clearTimeout(timer);
      this.#child = undefined;
      resolve({ exit, isTimeout, output: lastLine(output) });
    };
    child.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    child.once('exit', () => {
      clearTimeout(timer);
      // From here on the number of the process may be another's.
      this.#child = undefined;
      setTimeout(() => [child.stdout, child.stderr].forEach((stream) => stream.destroy()), OUTPUT_AFTER_EXIT_MS).unref();
    });
    child.once('close', (code, signal) => end(code ?? signal ?? 'unknown'));
    return promise;
  }

  #kill(signal: 'SIGTERM' | 'SIGKILL'): void {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // It has just ended.
    }
  }
}

function lastLine(output: string): string {
  return escapeForeign(output.trimEnd().split(/[\r\n]+/).at(-1) ?? '');
}
