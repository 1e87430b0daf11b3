// Real programs for the scenario tests: found in the PATH or in Debian's folders, started on ports of their own.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from './scenario.ts';

const FOLDERS = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/lib/postgresql/15/bin', '/usr/lib/postgresql/16/bin', '/usr/lib/postgresql/17/bin'];
const STOP_MS = 5000;

/** Absolute path of a program, or undefined. */
export function program(name: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** What tap's `skip` wants: false, or why this test cannot run. */
export function skipWithout(...names: readonly string[]): string | false {
  const missing = names.filter((name) => program(name) === undefined);
  return missing.length === 0 ? false : `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} not installed`;
}

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. */
export function run(name: string, args: readonly string[], options: { readonly input?: string; readonly timeoutMs?: number; readonly env?: NodeJS.ProcessEnv } = {}): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const path = program(name);
    if (path === undefined) {
      reject(new Error(`${name} is not installed`));
      return;
    }
    const child = execFile(path, args, {
      timeout: options.timeoutMs ?? 30_000,
      maxBuffer: 64 * 1024 * 1024,
      env: { ...process.env, ...options.env },
    }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 1, stdout, stderr });
    });
    child.stdin?.end(options.input ?? '');
  });
}

/** Starts a server program and waits until its port answers. Stopped by `t.teardown`. */
export async function serve(t: Test, name: string, args: readonly string[], port: number, options: { readonly user?: number; readonly group?: number } = {}): Promise<ChildProcess> {
  const path = program(name);
  if (path === undefined) throw new Error(`${name} is not installed`);
  const child = spawn(path, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.user === undefined ? {} : { uid: options.user, gid: options.group ?? options.user }),
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => {
    said += text.toString('utf8');
  });
  t.teardown(() => stop(child));
  for (let left = 200; left > 0; left -= 1) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}: ${said}`);
    if (await answers(port)) return child;
    await sleep(50);
  }
  throw new Error(`${name} does not answer on port ${port}: ${said}`);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGINT');
  const kill = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await gone;
  clearTimeout(kill);
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
