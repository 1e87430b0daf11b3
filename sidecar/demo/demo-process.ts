import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { XpsError } from '../../base/errors.ts';

const READY_WITHIN_MS = 10_000;
const POLL_MS = 50;
const STOP_WITHIN_MS = 5000;
const KEPT_LINES = 20;

/** One sidecar of the demo: a process of its own, its log in a file. */
export class DemoSidecar {
  readonly name: string;
  readonly logFile: string;
  readonly #process: ChildProcess;
  readonly #log: WriteStream;
  readonly #lastLines: string[] = [];

  /** `command` is how this program was started, up to and without its arguments. */
  constructor(name: string, command: readonly [string, ...string[]], configFile: string, logFile: string) {
    this.name = name;
    this.logFile = logFile;
    this.#log = createWriteStream(logFile);
    const [program, ...rest] = command;
    this.#process = spawn(program, [...rest, 'run', '-c', configFile], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#process.stdout, this.#process.stderr]) stream?.on('data', (chunk: Buffer) => this.#keep(chunk));
  }

  get isRunning(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Resolves when the process has ended by itself or by `stop`. */
  async ended(): Promise<void> {
    if (this.isRunning) await once(this.#process, 'exit');
  }

  /** Waits for the readiness that the sidecar itself reports. Throws with the end of its log when it stops before. */
  async ready(adminPort: number): Promise<void> {
    const until = performance.now() + READY_WITHIN_MS;
    while (performance.now() < until) {
      if (!this.isRunning) throw this.#failure('stopped');
      if (await isReady(adminPort)) return;
      await sleep(POLL_MS);
    }
    throw this.#failure('did not become ready');
  }

  async stop(): Promise<void> {
    if (this.isRunning) {
      this.#process.kill('SIGTERM');
      const timer = setTimeout(() => this.#process.kill('SIGKILL'), STOP_WITHIN_MS);
      await once(this.#process, 'exit');
      clearTimeout(timer);
    }
    this.#log.end();
  }

  #keep(chunk: Buffer): void {
    this.#log.write(chunk);
    this.#lastLines.push(...chunk.toString('utf8').split('\n').filter((line) => line !== ''));
    this.#lastLines.splice(0, Math.max(0, this.#lastLines.length - KEPT_LINES));
  }

  #failure(what: string): XpsError {
    return new XpsError('demo_failed', { detail: `the ${this.name} sidecar ${what}; its log ended with: ${this.#lastLines.join(' | ')}` });
  }
}

async function isReady(adminPort: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${adminPort}/readyz`);
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
