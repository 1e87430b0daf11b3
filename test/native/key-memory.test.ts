// Where the addon keeps keys: locked, out of dumps, wiped. Seen from outside, through /proc.
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { loadAddon } from '../../engines/native-addon.ts';
import { loadNativeEngine } from '../../engines/native.ts';
import { withoutAddon } from '../support/native-kernels.ts';

const skip = withoutAddon || (process.platform === 'linux' ? false : 'there is no /proc');
const CHUNK_KIB = 64;

interface Mapping {
  readonly start: number;
  readonly end: number;
  readonly flags: readonly string[];
}

/** Mappings of exactly one chunk of key memory that are left out of dumps. */
function keyMappings(): readonly Mapping[] {
  const entries = readFileSync('/proc/self/smaps', 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  return entries.flatMap((entry) => {
    const [, start, end] = /^([0-9a-f]+)-([0-9a-f]+) /.exec(entry) ?? [];
    const flags = /^VmFlags: (.*)$/m.exec(entry)?.[1]?.trim().split(' ') ?? [];
    const isChunk = new RegExp(`^Size: +${CHUNK_KIB} kB$`, 'm').test(entry);
    return isChunk && flags.includes('dd') ? [{ start: parseInt(start ?? '', 16), end: parseInt(end ?? '', 16), flags }] : [];
  });
}

function contents({ start, end }: Mapping): Buffer {
  const memory = openSync('/proc/self/mem', 'r');
  try {
    const bytes = Buffer.alloc(end - start);
    readSync(memory, bytes, 0, bytes.length, start);
    return bytes;
  } finally {
    closeSync(memory);
  }
}

t.test('a key lies in locked memory that is not dumped, and is wiped', { skip }, async (t) => {
  const provider = loadNativeEngine()?.aead;
  const pattern = Buffer.from('key-memory-test:0123456789abcdef');
  const cipher = provider?.create('CHACHA20_POLY1305', Uint8Array.from(pattern));
  const mappings = keyMappings();
  t.ok(mappings.length > 0, 'there is key memory');
  const holding = mappings.filter((mapping) => contents(mapping).includes(pattern));
  t.equal(holding.length, 1, 'the key is in it');
  const { unlockedBytes } = loadAddon().addon?.report() ?? {};
  if (unlockedBytes === 0) t.ok(holding[0]?.flags.includes('lo'), 'it is locked');
  t.ok(holding[0]?.flags.includes('dc'), 'a forked child does not get it');

  cipher?.[Symbol.dispose]();
  t.equal(keyMappings().filter((mapping) => contents(mapping).includes(pattern.subarray(0, 16))).length, 0, 'nothing of it is left');
});

t.test('thousands of keys come and go', { skip }, async (t) => {
  const provider = loadNativeEngine()?.aead;
  const before = loadAddon().addon?.report();
  const ciphers = Array.from({ length: 3000 }, (_, i) => provider?.create('AES_GCM', new Uint8Array(32).fill(i)));
  const during = loadAddon().addon?.report();
  t.equal((during?.keysInUse ?? 0) - (before?.keysInUse ?? 0), 3000);
  t.ok((during?.lockedBytes ?? 0) + (during?.unlockedBytes ?? 0) >= 3000 * 1024);
  for (const cipher of ciphers.filter((_, i) => i % 2 === 0)) cipher?.[Symbol.dispose]();
  for (const cipher of ciphers) cipher?.[Symbol.dispose]();
  const after = loadAddon().addon?.report();
  t.equal(after?.keysInUse, before?.keysInUse);
  t.ok((after?.lockedBytes ?? 0) + (after?.unlockedBytes ?? 0) <= 2 * CHUNK_KIB * 1024, 'the memory is given back');
});

t.test('worker threads have handles of their own, and leave nothing behind', { skip }, async (t) => {
  const before = loadAddon().addon?.report().keysInUse;
  const workers = [1, 2, 3].map(() => new Worker(new URL('sealing-worker.ts', import.meta.url)));
  const outputs = await Promise.all(workers.map(async (worker) => {
    const [[message]] = (await Promise.all([once(worker, 'message'), once(worker, 'exit')])) as [[Uint8Array], unknown];
    return Buffer.from(message).toString('hex');
  }));
  using cipher = loadNativeEngine()?.aead?.create('AES_GCM', new Uint8Array(32).fill(7));
  const out = new Uint8Array(1040);
  cipher?.seal(new Uint8Array(12).fill(1999), new Uint8Array(8), new Uint8Array(1024), out);
  t.same(new Set(outputs), new Set([Buffer.from(out).toString('hex')]), 'all agree');
  t.equal(loadAddon().addon?.report().keysInUse, (before ?? 0) + 1, 'their keys are gone with them');
});
