// Calls that no correct caller makes: each ends in an error that names the mistake, none in output.
import t from 'tap';
import { AEAD_PARAMETERS, type AeadAlgorithm } from '../../engines/contract.ts';
import { offering } from '../support/engines.ts';
import { reasonOf } from '../support/wycheproof.ts';

const NONE = new Uint8Array(0);

/** u coordinates of small order, reduced and not (RFC 7748 §6.1; cr.yp.to/ecdh.html). */
const SMALL_ORDER: readonly Uint8Array[] = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
].map((text) => Uint8Array.from(Buffer.from(text, 'hex')));

for (const { name, provider } of offering('aead')) {
  for (const algorithm of Object.keys(AEAD_PARAMETERS) as AeadAlgorithm[]) {
    const { nonceLength } = AEAD_PARAMETERS[algorithm];
    const key = new Uint8Array(32).fill(7);
    const nonce = new Uint8Array(nonceLength);

    t.test(`${name} ${algorithm}: keys of a wrong length`, async (t) => {
      for (const length of [0, 16, 31, 33, 64]) {
        t.equal(reasonOf(() => provider.create(algorithm, new Uint8Array(length))), 'key_invalid', `${length} bytes`);
      }
    });

    t.test(`${name} ${algorithm}: nonces of a wrong length`, async (t) => {
      using cipher = provider.create(algorithm, key);
      for (const length of [0, 8, 11, 12, 13, 16, 23, 24, 25].filter((length) => length !== nonceLength)) {
        const wrong = new Uint8Array(length);
        t.equal(reasonOf(() => cipher.seal(wrong, NONE, NONE, new Uint8Array(16))), 'nonce_invalid', `seal, ${length} bytes`);
        t.equal(reasonOf(() => cipher.open(wrong, NONE, new Uint8Array(16), NONE)), 'nonce_invalid', `open, ${length} bytes`);
      }
    });

    t.test(`${name} ${algorithm}: outputs of a wrong length`, async (t) => {
      using cipher = provider.create(algorithm, key);
      for (const length of [0, 15, 16, 25, 27, 64]) {
        t.equal(reasonOf(() => cipher.seal(nonce, NONE, new Uint8Array(10), new Uint8Array(length))), 'internal_error', `seal to ${length} bytes`);
        t.equal(reasonOf(() => cipher.open(nonce, NONE, new Uint8Array(26), new Uint8Array(length))), 'internal_error', `open to ${length} bytes`);
      }
    });

    t.test(`${name} ${algorithm}: less than a tag never opens`, async (t) => {
      using cipher = provider.create(algorithm, key);
      for (const length of [0, 1, 15]) t.equal(cipher.open(nonce, NONE, new Uint8Array(length), NONE), false);
    });

    t.test(`${name} ${algorithm}: overlap that is not in place`, async (t) => {
      using cipher = provider.create(algorithm, key);
      const memory = new Uint8Array(300);
      for (const shift of [-99, -16, -4, -1, 1, 4, 16, 99]) {
        const [plaintext, sealed] = [memory.subarray(100, 200), memory.subarray(100 + shift, 216 + shift)];
        t.equal(reasonOf(() => cipher.seal(nonce, NONE, plaintext, sealed)), 'internal_error', `sealing ${shift} bytes further`);
        t.equal(reasonOf(() => cipher.open(nonce, NONE, sealed, plaintext)), 'internal_error', `opening from ${shift} bytes further`);
      }
      t.ok(memory.every((byte) => byte === 0), 'nothing was written');
    });

    t.test(`${name} ${algorithm}: neighbours in one buffer are no overlap`, async (t) => {
      using cipher = provider.create(algorithm, key);
      const memory = new Uint8Array(64 + 80);
      cipher.seal(nonce, memory.subarray(0, 16), memory.subarray(0, 64), memory.subarray(64));
      t.ok(cipher.open(nonce, new Uint8Array(16), memory.subarray(64), memory.subarray(0, 64)));
    });

    t.test(`${name} ${algorithm}: a disposed key`, async (t) => {
      const cipher = provider.create(algorithm, key);
      cipher[Symbol.dispose]();
      cipher[Symbol.dispose]();
      t.equal(reasonOf(() => cipher.seal(nonce, NONE, NONE, new Uint8Array(16))), 'internal_error');
      t.equal(reasonOf(() => cipher.open(nonce, NONE, new Uint8Array(16), NONE)), 'internal_error');
    });

    t.test(`${name} ${algorithm}: the caller's key may be wiped at once`, async (t) => {
      const own = Uint8Array.from(key);
      using cipher = provider.create(algorithm, own);
      own.fill(0);
      using other = provider.create(algorithm, key);
      const [one, two] = [new Uint8Array(20), new Uint8Array(20)];
      cipher.seal(nonce, NONE, new Uint8Array(4), one);
      other.seal(nonce, NONE, new Uint8Array(4), two);
      t.same(one, two);
    });

    t.test(`${name} ${algorithm}: inputs stay as they were`, async (t) => {
      using cipher = provider.create(algorithm, key);
      const [ownNonce, aad, message] = [new Uint8Array(nonceLength).fill(1), new Uint8Array(21).fill(2), new Uint8Array(50).fill(3)];
      const sealed = new Uint8Array(66);
      cipher.seal(ownNonce, aad, message, sealed);
      const kept = Uint8Array.from(sealed);
      cipher.open(ownNonce, aad, sealed, new Uint8Array(50));
      t.ok(ownNonce.every((byte) => byte === 1) && aad.every((byte) => byte === 2) && message.every((byte) => byte === 3));
      t.same(sealed, kept);
    });
  }
}

for (const { name, provider } of offering('keyExchange')) {
  for (const group of ['X25519', 'XWING'] as const) {
    const shareLength = group === 'X25519' ? 32 : 1216;
    const answerLength = group === 'X25519' ? 32 : 1120;

    t.test(`${name} ${group}: shares and answers of a wrong length`, async (t) => {
      for (const delta of [-shareLength, -1, 1]) {
        t.equal(reasonOf(() => provider.respond(group, new Uint8Array(shareLength + delta))), 'key_share_invalid', `share of ${shareLength + delta}`);
      }
      for (const delta of [-answerLength, -1, 1]) {
        using share = provider.initiate(group);
        t.equal(reasonOf(() => share.complete(group, new Uint8Array(answerLength + delta))), 'key_share_invalid', `answer of ${answerLength + delta}`);
      }
    });

    t.test(`${name} ${group}: points of small order`, async (t) => {
      for (const point of SMALL_ORDER) {
        const share = Uint8Array.from([...provider.initiate(group).share.subarray(0, -32), ...point]);
        t.equal(reasonOf(() => provider.respond(group, share)), 'key_share_invalid');
        using own = provider.initiate(group);
        const { answer } = provider.respond(group, own.share);
        const poisoned = Uint8Array.from([...answer.subarray(0, -32), ...point]);
        t.equal(reasonOf(() => own.complete(group, poisoned)), 'key_share_invalid');
      }
    });

    t.test(`${name} ${group}: seeds of a wrong length`, async (t) => {
      const { share } = provider.initiate(group);
      for (const length of [0, 31, 33, 63, 65]) {
        t.equal(reasonOf(() => provider.initiate(group, new Uint8Array(length))), 'key_invalid', `initiate, ${length} bytes`);
        t.equal(reasonOf(() => provider.respond(group, share, new Uint8Array(length))), 'key_invalid', `respond, ${length} bytes`);
      }
    });

    t.test(`${name} ${group}: a share completes once`, async (t) => {
      const share = provider.initiate(group);
      const { answer } = provider.respond(group, share.share);
      share.complete(group, answer);
      t.equal(reasonOf(() => share.complete(group, answer)), 'internal_error', 'a second time');
      const failed = provider.initiate(group);
      t.equal(reasonOf(() => failed.complete(group, new Uint8Array(1))), 'key_share_invalid');
      t.equal(reasonOf(() => failed.complete(group, answer)), 'internal_error', 'after a failure');
      const disposed = provider.initiate(group);
      disposed[Symbol.dispose]();
      disposed[Symbol.dispose]();
      t.equal(reasonOf(() => disposed.complete(group, answer)), 'internal_error', 'after disposal');
    });
  }

  t.test(`${name}: an X25519 share is not answered as X-Wing`, async (t) => {
    using share = provider.initiate('X25519');
    t.equal(reasonOf(() => share.complete('XWING', new Uint8Array(1120))), 'key_share_invalid');
  });
}


for (const { name, provider } of offering('hash')) {
  t.test(`${name}: HKDF beyond its limit`, async (t) => {
    for (const length of [-1, 0.5, 255 * 48 + 1, Number.NaN]) {
      t.equal(reasonOf(() => provider.hkdfExpand('sha384', new Uint8Array(48), NONE, length)), 'internal_error', String(length));
    }
    t.equal(provider.hkdfExpand('sha384', new Uint8Array(48), NONE, 255 * 48).length, 255 * 48);
    t.equal(provider.hkdfExpand('sha384', new Uint8Array(48), NONE, 0).length, 0);
  });

  t.test(`${name}: a digest does not end a running hash`, async (t) => {
    const running = provider.running('sha384');
    const empty = running.digest();
    t.same(running.digest(), empty);
    running.update(Uint8Array.of(1));
    t.same(running.digest(), provider.hash('sha384', Uint8Array.of(1)));
  });
}
