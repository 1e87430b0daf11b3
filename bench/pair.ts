// Front of the pair measurements: `xpscerpto bench pair`, and `node bench/pair.ts [--json] [--rounds=N] [--only=a,b]`. A pair of
// sidecars against pairs of other proxies, interleaved round by round so that a busy moment of the machine hits all of them.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Load } from './pair/load.ts';
import { isAvailable, makeSetting, PEERS, type Peer, type Setting } from './pair/peers.ts';
import { costOf, stop } from './pair/processes.ts';

const GIGABYTE = 1e9;
const SETTLE_MS = 3000;

export interface PairOptions {
  /** Default 5. */
  readonly rounds?: number;
  /** Bytes of a bulk measurement; default 2 GB. */
  readonly bytes?: number;
  /** Idle connections; default 1000. */
  readonly idle?: number;
  /** Names of peers; default: all that are installed. */
  readonly only?: readonly string[];
  readonly onProgress?: (text: string) => void;
}

/** Medians over the rounds. */
export interface PairFigures {
  readonly oneStreamGBs: number;
  readonly oneStreamCpuSPerGB: number;
  readonly fourStreamsGBs: number;
  readonly fourStreamsCpuSPerGB: number;
  readonly connectionsPerS: number;
  readonly cpuMsPerConnection: number;
  readonly pingP50Us: number;
  readonly pingP99Us: number;
  readonly idleKiBPerConnection: number;
}

export interface PairResult {
  readonly machine: string;
  readonly rounds: number;
  readonly pairs: readonly { readonly name: string; readonly figures: PairFigures }[];
  /** Peers that are not installed. */
  readonly absent: readonly string[];
}

export async function measurePair(options: PairOptions = {}): Promise<PairResult> {
  const { rounds = 5, onProgress = () => undefined } = options;
  const wanted = PEERS.filter(({ name }) => options.only === undefined || options.only.includes(name));
  const peers = wanted.filter(isAvailable);
  const dir = mkdtempSync(join(tmpdir(), 'xps-bench-'));
  const load = new Load(dir);
  const application = await load.serve();
  try {
    const setting = await makeSetting(dir, application.port);
    const measured = new Map<Peer, PairFigures[]>(peers.map((peer) => [peer, []]));
    for (let round = 1; round <= rounds; round += 1) {
      for (const peer of peers) {
        onProgress(`round ${round} of ${rounds}: ${peer.name}`);
        measured.get(peer)?.push(await measureOnce(peer, setting, load, options));
      }
    }
    return {
      machine: `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores, ${kernel()}`,
      rounds,
      pairs: peers.map((peer) => ({ name: peer.name, figures: medians(measured.get(peer) ?? []) })),
      absent: wanted.filter((peer) => !peers.includes(peer)).map(({ name }) => name),
    };
  } finally {
    application.child.stdin?.end();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** A Markdown table. */
export function describePairs({ machine, rounds, pairs, absent }: PairResult): string {
  const cell = (value: number, digits: number): string => value.toFixed(digits);
  const rows = pairs.map(({ name, figures: f }) => [
    name, cell(f.oneStreamGBs, 2), cell(f.oneStreamCpuSPerGB, 2), cell(f.fourStreamsGBs, 2), cell(f.fourStreamsCpuSPerGB, 2),
    cell(f.connectionsPerS, 0), cell(f.cpuMsPerConnection, 3), `${cell(f.pingP50Us, 0)} / ${cell(f.pingP99Us, 0)}`, cell(f.idleKiBPerConnection, 0),
  ]);
  const head = [
    'pair', 'one stream GB/s', 'CPU-s per GB', 'four streams GB/s', 'CPU-s per GB', 'connections/s', 'CPU-ms per connection',
    '1 KiB p50 / p99 µs', 'KiB per idle connection',
  ];
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const notes = absent.length === 0 ? '' : `\nNot installed: ${absent.join(', ')}.\n`;
  return `${machine}; medians of ${rounds} interleaved rounds.\n\n${[line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')}\n${notes}`;
}

async function measureOnce(peer: Peer, setting: Setting, load: Load, { bytes = 2 * GIGABYTE, idle = 1000 }: PairOptions): Promise<PairFigures> {
  const running = await peer.start(setting);
  const { children, port } = running;
  const spent = async <T>(action: () => Promise<T>): Promise<readonly [T, number]> => {
    const before = costOf(children).cpuS;
    const result = await action();
    return [result, costOf(children).cpuS - before];
  };
  try {
    // Warm: code is compiled, pools are filled, buffers have grown.
    await load.visit(port, 0.5, 8);
    await load.bulk(port, 4, bytes / 10);
    const [one, oneCpuS] = await spent(() => load.bulk(port, 1, bytes));
    const [four, fourCpuS] = await spent(() => load.bulk(port, 4, bytes));
    const [visits, visitsCpuS] = await spent(() => load.visit(port, 2, 8));
    const ping = await load.ping(port, 10_000);
    const residentKiB = await settled(() => costOf(children).residentKiB);
    const heldKiB = await load.holding(port, idle, () => settled(() => costOf(children).residentKiB));
    return {
      oneStreamGBs: bytes / GIGABYTE / one,
      oneStreamCpuSPerGB: oneCpuS / (bytes / GIGABYTE),
      fourStreamsGBs: bytes / GIGABYTE / four,
      fourStreamsCpuSPerGB: fourCpuS / (bytes / GIGABYTE),
      connectionsPerS: visits.visits / visits.seconds,
      cpuMsPerConnection: (visitsCpuS * 1000) / visits.visits,
      pingP50Us: ping.p50,
      pingP99Us: ping.p99,
      idleKiBPerConnection: (heldKiB - residentKiB) / idle,
    };
  } finally {
    await stop(children);
  }
}

/** Idle means idle: what allocators and collectors give back in the first seconds is given back. */
async function settled<T>(measure: () => T): Promise<T> {
  await sleep(SETTLE_MS);
  return measure();
}

function medians(rounds: readonly PairFigures[]): PairFigures {
  const [first] = rounds;
  if (first === undefined) throw new Error('nothing was measured');
  const names = Object.keys(first) as (keyof PairFigures)[];
  return Object.fromEntries(names.map((name) => [name, median(rounds.map((round) => round[name]))])) as unknown as PairFigures;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

function kernel(): string {
  return `Linux ${readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim()}`;
}

if (import.meta.main) {
  const value = (name: string): string | undefined => process.argv.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
  const result = await measurePair({
    rounds: Number(value('rounds') ?? 5),
    ...(value('only') === undefined ? {} : { only: (value('only') as string).split(',') }),
    onProgress: (text) => process.stderr.write(`${text}\n`),
  });
  process.stdout.write(process.argv.includes('--json') ? `${JSON.stringify(result, undefined, 2)}\n` : describePairs(result));
}
