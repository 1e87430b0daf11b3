// Real sidecar processes with certificates of their own, for the scenario tests. Everything is cleaned up by `t.teardown`.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Authority, type Issued, type IssueRequest } from '../../certs/ca/authority.ts';
import type { Status } from '../../sidecar/admin/status.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const READY_MS = 20_000;
const STOP_MS = 15_000;

/** What of tap's `t` is needed here. */
export interface Test {
  teardown(action: () => unknown): void;
}

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly reason?: string;
  readonly detail?: string;
  readonly [field: string]: unknown;
}

export function temporaryFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'xps-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A CA with a client and a server, and a CRL that says nothing yet. */
export interface TestPki {
  readonly dir: string;
  readonly authority: Authority;
  readonly client: Issued;
  readonly server: Issued;
}

export const CLIENT_ID = 'spiffe://test.example/client';
export const SERVER_ID = 'spiffe://test.example/server';

export async function makePki(t: Test, more: { readonly caName?: string; readonly client?: Partial<IssueRequest>; readonly server?: Partial<IssueRequest> } = {}): Promise<TestPki> {
  const dir = temporaryFolder(t);
  const authority = await Authority.create(join(dir, 'pki'), { name: more.caName ?? 'Test CA' });
  const client = await authority.issue({ name: 'client', uris: [CLIENT_ID], ...more.client });
  const server = await authority.issue({ name: 'server', uris: [SERVER_ID], ...more.server });
  await authority.crl();
  return { dir, authority, client, server };
}

/** Parts of a configuration, merged one level deep. */
export type Settings = Readonly<Record<string, unknown>>;

export function identityOf({ certFile, keyFile }: Issued): Settings {
  return { cert: certFile, key: keyFile };
}

/** A configuration file as JSON, which is YAML. */
export function writeConfig(dir: string, name: string, config: Settings): string {
  const file = join(dir, `${name}.yaml`);
  writeFileSync(file, JSON.stringify(config, undefined, 2));
  return file;
}

export function configOf(pki: TestPki, identity: Issued, tunnels: readonly Settings[], more: Settings = {}): Settings {
  return {
    identity: identityOf(identity),
    trust: { bundles: [{ file: pki.authority.certFile }], revocation: { crl: [pki.authority.crlFile] } },
    admin: { listen: '127.0.0.1:0' },
    tunnels,
    ...more,
  };
}

/** `xpscerpto run` as a process. */
export class SidecarProcess {
  readonly log: LogLine[] = [];
  readonly child: ChildProcess;
  stderr = '';
  #unfinished = '';

  constructor(t: Test, configFile: string, environment: Readonly<Record<string, string>> = {}) {
    this.child = spawn(process.execPath, [join(ROOT, 'sidecar/cli/main.ts'), 'run', '-c', configFile], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', ...environment },
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#read(text));
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    t.teardown(() => this.stop());
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Fails with everything the process said when it ends before it is ready. */
  async ready(): Promise<this> {
    await this.until((line) => line.msg === 'ready', READY_MS);
    return this;
  }

  /** The first line, past or future, that `wanted` accepts. */
  async until(wanted: (line: LogLine) => boolean, withinMs: number = 10_000): Promise<LogLine> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const found = this.log.find(wanted);
      if (found !== undefined) return found;
      if (!this.isRunning) throw new Error(`the sidecar ended with ${this.child.exitCode ?? this.child.signalCode}: ${this.stderr}${this.tail()}`);
      if (performance.now() > deadline) throw new Error(`no such log line within ${withinMs} ms: ${this.stderr}${this.tail()}`);
      await sleep(10);
    }
  }

  tail(lines = 10): string {
    return this.log.slice(-lines).map((line) => JSON.stringify(line)).join('\n');
  }

  /** The address that a tunnel really listens on. */
  listenUrl(tunnel: string): string {
    const line = this.log.find((entry) => entry['tunnel'] === tunnel && typeof entry['listen'] === 'string');
    if (line === undefined) throw new Error(`tunnel ${tunnel} does not listen: ${this.tail()}`);
    return line['listen'] as string;
  }

  get adminUrl(): string {
    const line = this.log.find((entry) => entry.msg === 'admin server listening');
    if (line === undefined) throw new Error(`no admin server: ${this.tail()}`);
    return line['url'] as string;
  }

  async status(): Promise<Status> {
    const response = await fetch(new URL('/status', this.adminUrl));
    return (await response.json()) as Status;
  }

  async tunnel(name: string): Promise<Status['tunnels'][number]> {
    const found = (await this.status()).tunnels.find((tunnel) => tunnel.name === name);
    if (found === undefined) throw new Error(`no tunnel ${name}`);
    return found;
  }

  /** Polls the status of a tunnel until it is as wanted. */
  async untilTunnel(name: string, wanted: (tunnel: Status['tunnels'][number]) => boolean, withinMs = 10_000): Promise<Status['tunnels'][number]> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const tunnel = await this.tunnel(name);
      if (wanted(tunnel)) return tunnel;
      if (performance.now() > deadline) throw new Error(`the tunnel did not become as wanted: ${JSON.stringify(tunnel)}\n${this.tail()}`);
      await sleep(25);
    }
  }

  signal(signal: NodeJS.Signals): void {
    if (this.isRunning) this.child.kill(signal);
  }

  /** Exit code, or the signal that ended it. */
  async ended(): Promise<number | NodeJS.Signals | null> {
    if (this.isRunning) await once(this.child, 'exit');
    return this.child.exitCode ?? this.child.signalCode;
  }

  async stop(): Promise<void> {
    if (!this.isRunning) return;
    this.child.kill('SIGTERM');
    // What still runs is cut off: a test that cares about draining waits for it before.
    const again = setTimeout(() => this.child.kill('SIGTERM'), 200);
    const kill = setTimeout(() => this.child.kill('SIGKILL'), STOP_MS);
    await once(this.child, 'exit');
    clearTimeout(again);
    clearTimeout(kill);
  }

  #read(text: string): void {
    const lines = (this.#unfinished + text).split('\n');
    this.#unfinished = lines.pop() ?? '';
    for (const line of lines) this.log.push(JSON.parse(line) as LogLine);
  }
}

export interface PairOptions {
  readonly pki?: TestPki;
  /** Where the application of the server side listens. */
  readonly target: string;
  /** Default tcp://127.0.0.1:0 for both. */
  readonly clientListen?: string;
  readonly channelListen?: string;
  /** Merged into the tunnel of a side. */
  readonly clientTunnel?: Settings;
  readonly serverTunnel?: Settings;
  /** Merged into the configuration of a side. */
  readonly client?: Settings;
  readonly server?: Settings;
  /** Merged into both, e.g. `crypto`. */
  readonly both?: Settings;
  readonly clientIdentity?: Issued;
  readonly serverIdentity?: Issued;
}

export interface Pair {
  readonly pki: TestPki;
  readonly client: SidecarProcess;
  readonly server: SidecarProcess;
  /** Where applications connect. */
  readonly url: string;
}

/** Client sidecar and server sidecar, both ready. The tunnel is called `test` on either side. */
export async function startPair(t: Test, options: PairOptions): Promise<Pair> {
  const pki = options.pki ?? (await makePki(t));
  const server = await startServer(t, pki, options);
  const client = await startClient(t, pki, server.listenUrl('test'), options);
  return { pki, client, server, url: client.listenUrl('test') };
}

export function startServer(t: Test, pki: TestPki, options: PairOptions): Promise<SidecarProcess> {
  const tunnel = {
    name: 'test', role: 'server',
    listen: options.channelListen ?? 'tcp://127.0.0.1:0',
    connect: options.target,
    peer: { allow: [CLIENT_ID] },
    ...options.serverTunnel,
  };
  const config = configOf(pki, options.serverIdentity ?? pki.server, [tunnel], { ...options.both, ...options.server });
  return new SidecarProcess(t, writeConfig(pki.dir, 'server', config)).ready();
}

export function startClient(t: Test, pki: TestPki, channelUrl: string, options: PairOptions): Promise<SidecarProcess> {
  const tunnel = {
    name: 'test', role: 'client',
    listen: options.clientListen ?? 'tcp://127.0.0.1:0',
    connect: channelUrl,
    peer: { allow: [SERVER_ID] },
    ...options.clientTunnel,
  };
  const config = configOf(pki, options.clientIdentity ?? pki.client, [tunnel], { ...options.both, ...options.client });
  return new SidecarProcess(t, writeConfig(pki.dir, 'client', config)).ready();
}
