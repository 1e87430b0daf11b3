// Every kernel against the portable one, which the other tests hold against OpenSSL: see kernel_checks.cc.
import { execFileSync } from 'node:child_process';
import { createCipheriv, createHash } from 'node:crypto';
import t from 'tap';
import { buildNative, withoutTools } from '../support/native-build.ts';

const skip = withoutTools('g++');
const program = skip === false ? await buildNative({ sources: ['test/native/kernel_checks.cc'] }) : '';
const kernels = skip === false ? ran('list') : [];

/** Kernels that passed, in order; throws when one did not. */
function ran(...words: readonly string[]): readonly string[] {
  const output = execFileSync(program, words, { encoding: 'utf8' });
  return output.trim().split('\n').map((line) => line.replace(/^ok /, ''));
}

t.test('at every length, alignment and AAD, in place and apart, without writing beside', { skip }, async (t) => {
  t.ok(kernels.length >= 4, kernels.join(', '));
  t.same(ran('sweep'), kernels);
});

t.test('across the wrap of the 32-bit counter', { skip }, async (t) => {
  t.same(ran('counters'), kernels);
});

t.test('on random records', { skip }, async (t) => {
  const seed = String(Date.now());
  t.same(ran('random', '3000', seed), kernels, `seed ${seed}`);
});

t.test('AES-GCM wraps its counter as NIST SP 800-38D §6.2 says', { skip }, async (t) => {
  const key = createHash('sha256').update('wrap').digest();
  const text = Buffer.alloc(2000, 0x5a);
  // 63 blocks before the wrap, at the alignment that kernels rely on.
  const start = Buffer.from('000102030405060708090a0bffffffc1', 'hex');
  const lines = kernels.filter((name) => name.startsWith('aes-256-gcm/')).map((name) => [name, key.toString('hex'), start.toString('hex'), '-', text.toString('hex')].join(' '));
  const output = execFileSync(program, ['replay'], { input: `${lines.join('\n')}\n`, encoding: 'utf8' }).trim().split('\n');
  t.equal(output.length, lines.length);
  const expected = countedByHand(key, start, text).toString('hex');
  for (const line of output) t.equal(line.split(' ')[0], expected);
});

/** Counter mode from single blocks, since OpenSSL's carries into the nonce. */
function countedByHand(key: Buffer, start: Buffer, text: Buffer): Buffer {
  const blocks = createCipheriv('aes-256-ecb', key, null);
  const block = Buffer.from(start);
  const first = start.readUInt32BE(12);
  const out = Buffer.from(text);
  for (let at = 0, counter = first + 1; at < text.length; at += 16, counter += 1) {
    block.writeUInt32BE(counter % 2 ** 32, 12);
    const stream = blocks.update(block);
    for (let i = 0; i < 16 && at + i < out.length; i += 1) out[at + i] = (out[at + i] as number) ^ (stream[i] as number);
  }
  return out;
}
