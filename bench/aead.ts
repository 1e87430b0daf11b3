// Front of the record-crypto measurements: `xpscerpto bench aead`, and `node bench/aead.ts [--json] [--rounds=N]`. Every kernel of
// this machine beside node:crypto with a KeyObject, noble, and OpenSSL's own `openssl speed`, interleaved round by round.
import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { AEAD_PARAMETERS, type AeadAlgorithm, type AeadCipher, type AeadProvider } from '../engines/contract.ts';
import { isBatchCipher, loadNativeEngine, type BatchCipher } from '../engines/native.ts';
import { loadAddon, ROW } from '../engines/native-addon.ts';
import { openOpensslEngine } from '../engines/openssl.ts';
import { openPortableEngine } from '../engines/portable.ts';

/** Bytes of a record: interactive, a small answer, a TLS-sized record, bulk. */
export const RECORD_BYTES: readonly number[] = [64, 1024, 16_384, 262_144];
const AAD_BYTES = 16;
const SAMPLE_MS = 25;
const BATCHED_RECORDS = 64;
/** AVX-512 F, DQ, IFMA, CD, BW and VL of CPUID leaf 7, taken away from OpenSSL to compare like with like. */
const WITHOUT_AVX512 = ':~0xd0230000';

type BenchAlgorithm = Exclude<AeadAlgorithm, 'XCHACHA20_POLY1305'>;
const ALGORITHMS: readonly BenchAlgorithm[] = ['AES_GCM', 'CHACHA20_POLY1305'];
const OPENSSL_NAMES: Readonly<Record<BenchAlgorithm, string>> = { AES_GCM: 'aes-256-gcm', CHACHA20_POLY1305: 'chacha20-poly1305' };

export interface AeadOptions {
  /** Default 5. */
  readonly rounds?: number;
  readonly onProgress?: (text: string) => void;
}

/** GB/s by record length in bytes; medians over the rounds. */
export type Throughput = Readonly<Record<number, number>>;

export interface AeadFigures {
  readonly algorithm: BenchAlgorithm;
  readonly name: string;
  readonly seal: Throughput;
  /** Empty where only sealing is measured. */
  readonly open: Throughput;
}

export interface AeadResult {
  readonly machine: string;
  readonly rounds: number;
  readonly figures: readonly AeadFigures[];
  readonly absent: readonly string[];
}

/** Something that does one algorithm; a sample is in GB/s. */
interface Contender {
  readonly algorithm: BenchAlgorithm;
  readonly name: string;
  readonly lengths: readonly number[];
  readonly seal: (length: number) => number;
  readonly open?: (length: number) => number;
}

export function measureAead(options: AeadOptions = {}): AeadResult {
  const { rounds = 5, onProgress = () => undefined } = options;
  const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
  const contenders = ALGORITHMS.flatMap((algorithm) => [...nativeContenders(algorithm), ...otherEngines(algorithm), ...(hasOpenssl ? opensslPrograms(algorithm) : [])]);
  const samples = new Map(contenders.map((contender) => [contender, { seal: new Samples(), open: new Samples() }]));
  for (let round = 1; round <= rounds; round += 1) {
    onProgress(`round ${round} of ${rounds}`);
    for (const length of RECORD_BYTES) {
      for (const [contender, { seal, open }] of samples) {
        if (!contender.lengths.includes(length)) continue;
        seal.add(length, contender.seal(length));
        if (contender.open !== undefined) open.add(length, contender.open(length));
      }
    }
  }
  return {
    machine: `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores, Node.js ${process.version} with OpenSSL ${process.versions.openssl}`,
    rounds,
    figures: [...samples].map(([{ algorithm, name }, { seal, open }]) => ({ algorithm, name, seal: seal.medians(), open: open.medians() })),
    absent: [...(loadAddon().addon === undefined ? ['the native addon'] : []), ...(hasOpenssl ? [] : ['openssl'])],
  };
}

/** Markdown tables. */
export function describeAead({ machine, rounds, figures, absent }: AeadResult): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const parts = ALGORITHMS.map((algorithm) => {
    const ofAlgorithm = figures.filter((figure) => figure.algorithm === algorithm);
    const head = [`${algorithm}, GB/s seal / open`, ...RECORD_BYTES.map((length) => `${length} B`), `× openssl speed, ${RECORD_BYTES.at(-1)} B`];
    const reference = ofAlgorithm.find(({ name }) => name === 'openssl speed')?.seal[RECORD_BYTES.at(-1) as number];
    const rows = ofAlgorithm.map(({ name, seal, open }) => {
      const largest = seal[RECORD_BYTES.at(-1) as number];
      const ratio = reference === undefined || largest === undefined ? '' : (largest / reference).toFixed(2);
      return line([name, ...RECORD_BYTES.map((length) => [seal[length], open[length]].filter((value) => value !== undefined).map(shown).join(' / ')), ratio]);
    });
    return [line(head), line(head.map(() => '---')), ...rows].join('\n');
  });
  const notes = absent.length === 0 ? '' : `\nNot here: ${absent.join(', ')}.\n`;
  return `${machine}; medians of ${rounds} interleaved rounds of CPU time, called from JavaScript but for \`openssl speed\`.\n\n${parts.join('\n\n')}\n${notes}`;
}

function shown(value: number): string {
  return value.toFixed(value < 0.1 ? 3 : 2);
}

function nativeContenders(algorithm: BenchAlgorithm): readonly Contender[] {
  const usable = loadAddon().addon?.report().kernels.filter(({ verdict }) => verdict === 'usable') ?? [];
  return [
    ...usable.flatMap(({ name }) => {
      const provider = loadNativeEngine({ kernel: name })?.aead;
      return provider?.algorithms.includes(algorithm) === true ? [called(algorithm, name, provider)] : [];
    }),
    ...batched(algorithm),
  ];
}

function otherEngines(algorithm: BenchAlgorithm): readonly Contender[] {
  const providers = [['node:crypto', openOpensslEngine().aead], ['noble', openPortableEngine().aead]] as const;
  return providers.flatMap(([name, provider]) => (provider?.algorithms.includes(algorithm) === true ? [called(algorithm, name, provider)] : []));
}

function called(algorithm: BenchAlgorithm, name: string, provider: AeadProvider): Contender {
  const cipher = provider.create(algorithm, new Uint8Array(32).fill(7));
  return {
    algorithm,
    name,
    lengths: RECORD_BYTES,
    seal: (length) => sealing(cipher, length),
    open: (length) => opening(cipher, length),
  };
}

function sealing(cipher: AeadCipher, length: number): number {
  const { nonce, aad, buffer, text } = buffersFor(cipher.algorithm, length);
  return throughput(length, () => cipher.seal(nonce, aad, text, buffer));
}

/** Apart, so that the sealed record stays for the next time. */
function opening(cipher: AeadCipher, length: number): number {
  const { nonce, aad, buffer, text } = buffersFor(cipher.algorithm, length);
  cipher.seal(nonce, aad, text, buffer);
  const out = new Uint8Array(length);
  return throughput(length, () => {
    if (!cipher.open(nonce, aad, buffer, out)) throw new Error('a record was refused');
  });
}

function buffersFor(algorithm: AeadAlgorithm, length: number): { readonly nonce: Uint8Array; readonly aad: Uint8Array; readonly buffer: Uint8Array; readonly text: Uint8Array } {
  const buffer = new Uint8Array(length + 16);
  return { nonce: new Uint8Array(AEAD_PARAMETERS[algorithm].nonceLength), aad: new Uint8Array(AAD_BYTES), buffer, text: buffer.subarray(0, length) };
}

/** Many small records in one call, with the kernels that dispatch chose. */
function batched(algorithm: BenchAlgorithm): readonly Contender[] {
  const cipher = loadNativeEngine()?.aead?.create(algorithm, new Uint8Array(32).fill(7));
  if (cipher === undefined || !isBatchCipher(cipher)) return [];
  return [{ algorithm, name: `${BATCHED_RECORDS} records in a call`, lengths: RECORD_BYTES.slice(0, 2), seal: (length) => sealingBatches(cipher, length) }];
}

function sealingBatches(cipher: BatchCipher, length: number): number {
  const { nonceLength } = AEAD_PARAMETERS[cipher.algorithm];
  const stride = nonceLength + AAD_BYTES + length + 16;
  const buffer = new Uint8Array(stride * BATCHED_RECORDS);
  const table = new Uint32Array(ROW.words * BATCHED_RECORDS);
  for (let i = 0; i < BATCHED_RECORDS; i += 1) {
    const at = i * stride;
    table.set([at, at + nonceLength, AAD_BYTES, at + nonceLength + AAD_BYTES, length], i * ROW.words);
  }
  return throughput(length * BATCHED_RECORDS, () => cipher.sealBatch(buffer, table, BATCHED_RECORDS));
}

/** GB/s of `call`, which handles `bytes`; by CPU time, which other programs on the machine disturb less. */
function throughput(bytes: number, call: () => void): number {
  for (let i = 0; i < 3; i += 1) call();
  let calls = 0;
  const beganMs = cpuMs();
  let elapsedMs = 0;
  for (let step = 1; elapsedMs < SAMPLE_MS; step *= 2) {
    for (let i = 0; i < step; i += 1) call();
    calls += step;
    elapsedMs = cpuMs() - beganMs;
  }
  return (bytes * calls) / (elapsedMs * 1e6);
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function opensslPrograms(algorithm: BenchAlgorithm): readonly Contender[] {
  const speed = (name: string, environment: NodeJS.ProcessEnv): Contender => ({
    algorithm,
    name,
    lengths: RECORD_BYTES,
    seal: (length) => opensslSpeed(algorithm, length, environment),
  });
  const isWide = process.arch === 'x64' && loadAddon().addon?.report().cpu.includes('avx512') === true;
  return [speed('openssl speed', {}), ...(isWide ? [speed('openssl speed, AVX-512 masked', { OPENSSL_ia32cap: WITHOUT_AVX512 })] : [])];
}

function opensslSpeed(algorithm: BenchAlgorithm, length: number, environment: NodeJS.ProcessEnv): number {
  const words = ['speed', '-mr', '-seconds', '1', '-bytes', String(length), '-evp', OPENSSL_NAMES[algorithm]];
  const { stdout } = spawnSync('openssl', words, { encoding: 'utf8', env: { ...process.env, ...environment } });
  const bytesPerSecond = Number(/^\+F:\d+:[^:]*:([\d.]+)$/m.exec(stdout)?.[1]);
  if (!(bytesPerSecond > 0)) throw new Error(`openssl ${words.join(' ')} printed no figure`);
  return bytesPerSecond / 1e9;
}

class Samples {
  readonly #byLength = new Map<number, number[]>();

  add(length: number, sample: number): void {
    const samples = this.#byLength.get(length);
    if (samples === undefined) this.#byLength.set(length, [sample]);
    else samples.push(sample);
  }

  medians(): Throughput {
    return Object.fromEntries([...this.#byLength].map(([length, samples]) => [length, median(samples)]));
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

if (import.meta.main) {
  const rounds = Number(process.argv.find((word) => word.startsWith('--rounds='))?.slice('--rounds='.length) ?? 5);
  const result = measureAead({ rounds, onProgress: (text) => process.stderr.write(`${text}\n`) });
  process.stdout.write(process.argv.includes('--json') ? `${JSON.stringify(result, undefined, 2)}\n` : describeAead(result));
}
