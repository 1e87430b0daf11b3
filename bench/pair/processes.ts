// Child processes of a measurement: starting, waiting, and what they have cost.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const READY_MS = 20_000;
/** Of the kernel's accounting (USER_HZ). */
const TICKS_PER_SECOND = 100;

export interface Running {
  readonly children: readonly ChildProcess[];
  /** Where the application of the client connects. */
  readonly port: number;
}

export function start(command: string, words: readonly string[], environment: NodeJS.ProcessEnv = process.env): ChildProcess {
  return spawn(command, words, { stdio: ['pipe', 'ignore', 'ignore'], env: environment });
}

export async function stop(children: readonly ChildProcess[]): Promise<void> {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 3000);
    await gone;
    clearTimeout(timer);
  }
}

/** Rejects when one of `children` ends before. */
export async function untilListening(port: number, children: readonly ChildProcess[]): Promise<void> {
  const endMs = Date.now() + READY_MS;
  while (!(await isListening(port))) {
    if (children.some((child) => child.exitCode !== null)) throw new Error('a proxy ended instead of serving');
    if (Date.now() > endMs) throw new Error(`nobody listens on port ${port}`);
    await sleep(50);
  }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(port, '127.0.0.1');
    const finish = (answer: boolean): void => {
      probe.destroy();
      resolve(answer);
    };
    probe.once('connect', () => finish(true));
    probe.once('error', () => finish(false));
  });
}

export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

/** CPU seconds and resident KiB of processes and their descendants. */
export function costOf(children: readonly ChildProcess[]): { readonly cpuS: number; readonly residentKiB: number } {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readStat(name);
    if (stat !== undefined) parents.set(Number(name), Number(stat[1]));
  }
  const roots = new Set(children.map((child) => child.pid));
  const isOurs = (pid: number): boolean => roots.has(pid) || (parents.has(pid) && isOurs(parents.get(pid) as number));
  let cpuS = 0;
  let residentKiB = 0;
  for (const pid of parents.keys()) {
    if (!isOurs(pid)) continue;
    const stat = readStat(String(pid));
    if (stat === undefined) continue;
    cpuS += (Number(stat[11]) + Number(stat[12])) / TICKS_PER_SECOND;
    residentKiB += Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  }
  return { cpuS, residentKiB };
}

/** Fields from the third on: what is before may hold spaces. */
function readStat(pid: string): readonly string[] | undefined {
  try {
    const text = readFileSync(join('/proc', pid, 'stat'), 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

export function isInPath(program: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => spawnSync('test', ['-x', join(folder, program)]).status === 0);
}

/** The environment with the folders that system programs live in. */
export function systemEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${process.env['PATH'] ?? ''}${delimiter}/usr/sbin${delimiter}/sbin` };
}
