// What a verdict costs: `node bench/certs.ts`. A leaf and an intermediate on P-256 with a CRL of each issuer, hard revocation.
// Processor time of this process, medians of five rounds; compare within one run only.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bytes } from '../base/bytes.ts';
import { Authority } from '../certs/ca/authority.ts';
import { parseCertificate } from '../certs/certificate.ts';
import { parseCrl } from '../certs/crl.ts';
import { readPem } from '../certs/pem.ts';
import { REQUEST_DEFAULTS, validatePath, type ValidationRequest } from '../certs/validation.ts';
import { createCrypto } from '../engines/registry.ts';

const ROUNDS = 5;
const LEAVES = 30;
const REPEATS = 10;

export interface CertificateCosts {
  readonly parseUs: number;
  /** Everything parsed and verified anew, CRL signatures included. */
  readonly firstUs: number;
  /** New certificates, CRLs that were used before: the usual case. */
  readonly firstWithKnownCrlsUs: number;
  /** The same objects again, without the cache of whole verdicts that certs/judge.ts has. */
  readonly againUs: number;
}

interface Material {
  readonly root: Bytes;
  readonly middle: Bytes;
  readonly leaves: readonly Bytes[];
  readonly crls: readonly Bytes[];
}

export async function measureCertificates(): Promise<CertificateCosts> {
  const { root, middle, leaves, crls } = await makeMaterial();
  const crypto = createCrypto({ engine: 'openssl', forbid: [] });
  const anchors = [parseCertificate(root)];
  const request = (leaf: Bytes, used: ValidationRequest['crls']): ValidationRequest => ({
    ...REQUEST_DEFAULTS,
    leaf: parseCertificate(leaf),
    intermediates: [parseCertificate(middle)],
    anchors,
    crls: used,
    ocsp: [],
    timeMs: Date.now(),
    purpose: 'server',
  });
  const check = (wanted: ValidationRequest): void => {
    const verdict = validatePath(wanted, crypto);
    if (!verdict.valid) throw new Error(verdict.reason);
  };
  const rounds = Array.from({ length: ROUNDS }, () => {
    const known = crls.map((der) => parseCrl(der));
    const firstUs = cost(leaves, REPEATS, (leaf) => check(request(leaf, crls.map((der) => parseCrl(der)))));
    const firstWithKnownCrlsUs = cost(leaves, REPEATS, (leaf) => check(request(leaf, known)));
    const same = leaves.map((leaf) => request(leaf, known));
    for (const each of same) check(each);
    const againUs = cost(same, REPEATS, check);
    const parseUs = cost(leaves, REPEATS, (leaf) => void parseCertificate(leaf));
    return { parseUs, firstUs, firstWithKnownCrlsUs, againUs };
  });
  const median = (field: keyof CertificateCosts): number => rounds.map((round) => round[field]).toSorted((a, b) => a - b)[ROUNDS >> 1] as number;
  return { parseUs: median('parseUs'), firstUs: median('firstUs'), firstWithKnownCrlsUs: median('firstWithKnownCrlsUs'), againUs: median('againUs') };
}

/** Microseconds of processor time for one call. */
function cost<T>(items: readonly T[], repeats: number, call: (item: T) => void): number {
  const before = process.cpuUsage();
  for (let turn = 0; turn < repeats; turn += 1) {
    for (const item of items) call(item);
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / (items.length * repeats);
}

async function makeMaterial(): Promise<Material> {
  const folder = await mkdtemp(join(tmpdir(), 'xpscerpto-bench-'));
  try {
    const root = await Authority.create(join(folder, 'root'), { name: 'bench root', keyType: 'p256' });
    const middle = await Authority.create(join(folder, 'middle'), { name: 'bench middle', keyType: 'p256', parent: root });
    const leaves: Bytes[] = [];
    for (let i = 0; i < LEAVES; i += 1) {
      const { certFile } = await middle.issue({ name: `leaf-${i}`, dns: [`leaf-${i}.example`], uris: [`spiffe://bench.example/leaf-${i}`], keyType: 'p256' });
      leaves.push(...(await derOf(certFile, 'CERTIFICATE')).slice(0, 1));
    }
    const crls = [await root.crl(), await middle.crl()].flatMap(({ pem }) => readPem(pem, ['X509 CRL']).map(({ der }) => der));
    const [rootDer, middleDer] = await Promise.all([derOf(root.path('ca.pem'), 'CERTIFICATE'), derOf(middle.path('ca.pem'), 'CERTIFICATE')]);
    return { root: rootDer[0] as Bytes, middle: middleDer[0] as Bytes, leaves, crls };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function derOf(file: string, label: string): Promise<Bytes[]> {
  return readPem(await readFile(file, 'latin1'), [label]).map(({ der }) => der);
}

if (import.meta.main) {
  const { parseUs, firstUs, firstWithKnownCrlsUs, againUs } = await measureCertificates();
  const line = (what: string, us: number): string => `${what.padEnd(62)}${us.toFixed(1).padStart(9)} µs\n`;
  process.stdout.write(line('reading one certificate', parseUs));
  process.stdout.write(line('verdict, first time, CRLs read and verified too', firstUs));
  process.stdout.write(line('verdict, first time, CRLs known', firstWithKnownCrlsUs));
  process.stdout.write(line('verdict again, without the cache of whole verdicts', againUs));
}
