import t from 'tap';
import * as fc from 'fast-check';
import { toHex } from '../../base/bytes.ts';
import { HARD_RECORD_LIMIT } from '../../record/limits.ts';
import { NonceSequence } from '../../record/nonce.ts';
import { reasonOf } from '../support/reason-of.ts';

const HEADER = Uint8Array.of(0x59, 0, 0, 1, 0, 0, 0, 17);

/** docs/PROTOCOL.md §2.5, written as it stands there. */
function nonceByTheBook(iv: Uint8Array, sequence: bigint): string {
  const value = BigInt(`0x${toHex(iv)}`) ^ sequence;
  return value.toString(16).padStart(2 * iv.length, '0');
}

t.test('nonces follow from IV and sequence number', async (t) => {
  fc.assert(fc.property(
    fc.constantFrom(12, 24).chain((length) => fc.uint8Array({ minLength: length, maxLength: length })),
    fc.integer({ min: 0, max: HARD_RECORD_LIMIT - 4 }),
    (iv, first) => {
      const sequence = new NonceSequence(iv, first);
      for (let i = 0; i < 4; i += 1) {
        const { nonce, aad } = sequence.take(HEADER);
        const number = BigInt(first + i);
        if (toHex(nonce) !== nonceByTheBook(iv, number)) return false;
        if (toHex(aad) !== `${toHex(HEADER)}${number.toString(16).padStart(16, '0')}`) return false;
      }
      return sequence.used === first + 4;
    },
  ));
  t.pass('any IV, any place');
});

t.test('no nonce comes twice', async (t) => {
  for (const length of [12, 24]) {
    const sequence = new NonceSequence(new Uint8Array(length).fill(0xa5));
    const seen = new Set<string>();
    for (let i = 0; i < 70_000; i += 1) seen.add(Buffer.from(sequence.take(HEADER).nonce).toString('latin1'));
    t.equal(seen.size, 70_000);
  }
});

t.test('at the hard limit it refuses, for ever', async (t) => {
  const sequence = new NonceSequence(new Uint8Array(12), HARD_RECORD_LIMIT - 1);
  sequence.take(HEADER);
  t.equal(reasonOf(() => sequence.take(HEADER)), 'key_exhausted');
  t.equal(reasonOf(() => sequence.take(HEADER)), 'key_exhausted');
  t.equal(HARD_RECORD_LIMIT, Math.floor(2 ** 22.5));
});
