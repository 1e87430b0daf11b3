import { createCipheriv } from 'node:crypto';
import { assert, boolean, nat, property } from 'fast-check';
import t from 'tap';
import { equal } from '../support/wycheproof.ts';
import { isKnownToNode, NODE_CIPHERS, providerOf, usableKernels, withoutAddon } from '../support/native-kernels.ts';

// Patterns that differ at every position, so that a displaced block shows.
const text = Uint8Array.from({ length: 70_000 }, (_, i) => (i * 31) ^ (i >>> 8));
const aadText = Uint8Array.from({ length: 5000 }, (_, i) => (i * 17 + 3) ^ (i >>> 7));

for (const { name } of usableKernels) {
  const provider = providerOf(name);
  for (const algorithm of provider.algorithms.filter(isKnownToNode)) {
    const key = new Uint8Array(32).fill(name.length);
    const nonce = new Uint8Array(12).fill(9);
    const expected = (aad: Uint8Array, plaintext: Uint8Array): Uint8Array => {
      const reference = createCipheriv(NODE_CIPHERS[algorithm] as 'aes-256-gcm', key, nonce, { authTagLength: 16 });
      reference.setAAD(aad);
      return Buffer.concat([reference.update(plaintext), reference.final(), reference.getAuthTag()]);
    };

    t.test(`${name} agrees with OpenSSL at every length from 0 to 2100`, { skip: withoutAddon }, async (t) => {
      using cipher = provider.create(algorithm, key);
      const wrong: number[] = [];
      for (let length = 0; length <= 2100; length += 1) {
        const aad = aadText.subarray(0, length % 41);
        const plaintext = text.subarray(length % 64, (length % 64) + length);
        const whole = new Uint8Array(length + 16 + 64);
        const sealed = whole.subarray(63 - (length % 64), 63 - (length % 64) + length + 16);
        cipher.seal(nonce, aad, plaintext, sealed);
        const isSealed = equal(sealed, expected(aad, plaintext));
        const isOpened = cipher.open(nonce, aad, sealed, sealed.subarray(0, length));
        if (!isSealed || !isOpened || !equal(sealed.subarray(0, length), plaintext)) wrong.push(length);
      }
      t.same(wrong, []);
    });

    t.test(`${name} agrees with OpenSSL on random lengths, AADs and positions`, { skip: withoutAddon }, async () => {
      using cipher = provider.create(algorithm, key);
      assert(
        property(nat(69_000), nat(4900), nat(63), boolean(), (length, aadLength, position, isInPlace) => {
          const aad = aadText.subarray(position, position + aadLength);
          const plaintext = text.subarray(position, position + length);
          const sealed = new Uint8Array(length + 16 + 64).subarray(position, position + length + 16);
          if (isInPlace) sealed.set(plaintext);
          cipher.seal(nonce, aad, isInPlace ? sealed.subarray(0, length) : plaintext, sealed);
          return equal(sealed, expected(aad, plaintext));
        }),
        { numRuns: 200 },
      );
    });
  }
}
