// The addon's own checks, called as no caller should: everything throws, nothing reads or writes beside its buffers, nothing
// brings the process down.
import t from 'tap';
import { loadAddon, NATIVE_ALGORITHMS, ROW } from '../../engines/native-addon.ts';
import { equal } from '../support/wycheproof.ts';
import { withoutAddon } from '../support/native-kernels.ts';

const { addon } = loadAddon();
if (addon === undefined) {
  t.test('the binding', { skip: withoutAddon }, async () => {});
  process.exit();
}

type Anything = (...args: readonly unknown[]) => unknown;
const functions = Object.entries(addon).filter(([, value]) => typeof value === 'function') as [string, Anything][];
const key = new Uint8Array(32).fill(1);
const refused = { code: 'ERR_XPS_ARGUMENT' };

const make = (): number => addon.createCipher(NATIVE_ALGORITHMS.AES_GCM, key, '');

t.test('wrong kinds and numbers of arguments are refused', async (t) => {
  const handle = make();
  const odd = [undefined, null, -1, 0.5, Number.NaN, Infinity, 2 ** 60, 1n, '', 'x'.repeat(10_000), {}, [], Symbol('x'), () => 0,
    new ArrayBuffer(8), new Float64Array(4), new DataView(new ArrayBuffer(8)), new Proxy({}, {}), handle, new Uint8Array(0)] as const;
  for (const [name, call] of functions) {
    if (name === 'report') continue;
    for (let seed = 0; seed < 400; seed += 1) {
      const args = Array.from({ length: seed % 6 }, (_, i) => odd[(seed * (i + 7) + i * i) % odd.length]);
      try {
        call(...args);
      } catch (error) {
        if ((error as { code?: unknown }).code !== refused.code) t.fail(`${name}: ${String(error)}`);
      }
    }
    t.throws(() => call(), refused, `${name} without arguments`);
    t.throws(() => call(1, 2, 3, 4, 5, 6), refused, `${name} with too many`);
  }
});

t.test('keys have 32 bytes, algorithms are three, kernels exist', async (t) => {
  for (const length of [0, 16, 31, 33, 64]) t.throws(() => addon.createCipher(0, new Uint8Array(length), ''), refused);
  t.throws(() => addon.createCipher(3, key, ''), refused);
  t.throws(() => addon.createCipher(0, key, 'aes-256-gcm/none-such'), refused, 'an unknown kernel fails closed');
  t.throws(() => addon.createCipher(0, key, 'chacha20-poly1305/portable'), refused, 'so does one of another operation');
});

t.test('a handle works until it is destroyed, and never again', async (t) => {
  const handle = make();
  const out = new Uint8Array(16);
  addon.seal(handle, 0, new Uint8Array(0), out);
  addon.destroyCipher(handle);
  addon.destroyCipher(handle);
  const next = make();
  t.not(next, handle, 'its slot is used again under another handle');
  for (const dead of [handle, handle + 1, 0, 1, 2 ** 52]) {
    t.throws(() => addon.seal(dead, 0, new Uint8Array(0), out), { message: /does not exist/, ...refused });
  }
  addon.destroyCipher(next);
});

t.test('lengths must fit and overlaps must be exact', async (t) => {
  const handle = make();
  const memory = new Uint8Array(256);
  const seal = (at: number, length: number, outAt: number, outLength: number) => (): void =>
    addon.seal(handle, 0, memory.subarray(at, at + length), memory.subarray(outAt, outAt + outLength));
  t.doesNotThrow(seal(0, 32, 0, 48), 'in place');
  t.doesNotThrow(seal(0, 32, 32, 48), 'apart, touching');
  t.doesNotThrow(seal(48, 32, 0, 48));
  for (const [at, outAt] of [[0, 1], [0, 31], [1, 0], [47, 0]] as const) t.throws(seal(at, 32, outAt, 48), refused);
  for (const outLength of [0, 31, 47, 49]) t.throws(seal(0, 32, 0, outLength), refused);
  t.throws(() => addon.open(handle, 0, memory.subarray(0, 15), memory.subarray(0, 0)), refused);
  t.throws(() => addon.open(handle, 0, memory.subarray(0, 48), memory.subarray(1, 33)), refused);
  t.throws(() => addon.seal(handle, memory.subarray(40, 60), memory.subarray(0, 32), memory.subarray(0, 48)), refused, 'an AAD that would be overwritten');
  t.throws(() => addon.seal(handle, 5000, memory.subarray(0, 0), memory.subarray(0, 16)), refused, 'an AAD longer than scratch');
  t.throws(() => addon.seal(handle, 0, addon.scratch.subarray(0, 8), addon.scratch.subarray(0, 24)), refused, 'scratch as output');
  addon.destroyCipher(handle);
});

t.test('a detached buffer is an empty one', async (t) => {
  const handle = make();
  const gone = new Uint8Array(64);
  structuredClone(gone.buffer, { transfer: [gone.buffer] });
  t.throws(() => addon.seal(handle, 0, gone, new Uint8Array(80)), refused);
  addon.destroyCipher(handle);
});

/** Rows of 12 bytes of nonce, 4 of AAD, a text and its tag. */
function tableOf(lengths: readonly number[]): { readonly buffer: Uint8Array; readonly table: Uint32Array } {
  const rows: number[] = [];
  let at = 0;
  for (const length of lengths) {
    rows.push(at, at + 12, 4, at + 16, length);
    at += 32 + length;
  }
  const buffer = Uint8Array.from({ length: at }, (_, i) => i * 7);
  return { buffer, table: Uint32Array.from(rows) };
}

t.test('a batch is its records one by one', async (t) => {
  for (const algorithm of [NATIVE_ALGORITHMS.AES_GCM, NATIVE_ALGORITHMS.CHACHA20_POLY1305]) {
    const handle = addon.createCipher(algorithm, key, '');
    const lengths = [0, 1, 64, 64, 1000, 15];
    const { buffer, table } = tableOf(lengths);
    const plain = Uint8Array.from(buffer);
    addon.sealBatch(handle, buffer, table, lengths.length);
    lengths.forEach((length, i) => {
      const [nonceAt, aadAt, aadLength, textAt] = [...table.subarray(i * ROW.words)] as [number, number, number, number];
      addon.scratch.set(plain.subarray(nonceAt, nonceAt + 12));
      const sealed = new Uint8Array(length + 16);
      addon.seal(handle, plain.subarray(aadAt, aadAt + aadLength), plain.subarray(textAt, textAt + length), sealed);
      t.ok(equal(sealed, buffer.subarray(textAt, textAt + length + 16)), `record ${i}`);
    });

    const good = Uint8Array.from(buffer);
    t.equal(addon.openBatch(handle, good, table, lengths.length), lengths.length, 'all are opened');
    const forgedAt = table[4 * ROW.words + ROW.textAt] as number;
    const forged = Uint8Array.from(buffer);
    forged[forgedAt + 500] = (forged[forgedAt + 500] as number) ^ 1;
    t.equal(addon.openBatch(handle, forged, table, lengths.length), 4, 'it ends at the first that is not authentic');
    t.ok(forged.subarray(forgedAt, forgedAt + 1000).every((byte) => byte === 0), 'which is wiped');
    const lastAt = table[5 * ROW.words + ROW.textAt] as number;
    t.ok(equal(forged.subarray(lastAt), buffer.subarray(lastAt)), 'the next is untouched');
    addon.destroyCipher(handle);
  }
});

t.test('a batch with one bad row seals nothing', async (t) => {
  const handle = make();
  const lengths = [64, 64, 64];
  const bad: readonly (readonly [keyof typeof ROW, number, string])[] = [
    ['nonceAt', 1000, 'a nonce outside'],
    ['nonceAt', 2 ** 32 - 1, 'a nonce far outside'],
    ['aadAt', 2 ** 32 - 4, 'an AAD outside'],
    ['aadLength', 2 ** 32 - 1, 'an AAD that is too long'],
    ['textAt', 2 ** 32 - 1, 'a text outside'],
    ['textLength', 2 ** 32 - 1, 'a text that is too long'],
    ['textLength', 65, 'a tag that would reach outside'],
    ['nonceAt', 200, 'a nonce inside the text'],
    ['aadAt', 279, 'an AAD that reaches into the tag'],
  ];
  for (const [column, value, name] of bad) {
    const { buffer, table } = tableOf(lengths);
    const before = Uint8Array.from(buffer);
    table[2 * ROW.words + ROW[column]] = value;
    t.throws(() => addon.sealBatch(handle, buffer, table, 3), refused, name);
    t.throws(() => addon.openBatch(handle, buffer, table, 3), refused, name);
    t.ok(equal(buffer, before), `${name}: nothing was written`);
  }
  const { buffer, table } = tableOf(lengths);
  t.throws(() => addon.sealBatch(handle, buffer, table, 4), refused, 'more rows than the table has');
  addon.destroyCipher(handle);
});
