// What one engine makes, every other engine reads.
import t from 'tap';
import * as fc from 'fast-check';
import { generateKeyPairSync } from 'node:crypto';
import { AEAD_PARAMETERS, type AeadAlgorithm, type HashAlgorithm } from '../../engines/contract.ts';
import { offering } from '../support/engines.ts';

const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength });
const exactly = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });

/** Each provider with each, itself included. */
function pairs<T>(providers: readonly T[]): readonly (readonly [T, T])[] {
  return providers.flatMap((from) => providers.map((to) => [from, to] as const));
}

for (const [from, to] of pairs(offering('aead'))) {
  for (const algorithm of Object.keys(AEAD_PARAMETERS) as AeadAlgorithm[]) {
    t.test(`${from.name} seals, ${to.name} opens: ${algorithm}`, async (t) => {
      const { keyLength, nonceLength } = AEAD_PARAMETERS[algorithm];
      fc.assert(
        fc.property(exactly(keyLength), exactly(nonceLength), bytes(80), bytes(700), fc.nat(7), fc.boolean(), (key, nonce, aad, message, shift, inPlace) => {
          using sealer = from.provider.create(algorithm, key);
          using opener = to.provider.create(algorithm, key);
          const memory = new Uint8Array(shift + message.length + 16);
          const sealed = memory.subarray(shift);
          if (inPlace) sealed.set(message);
          sealer.seal(nonce, aad, inPlace ? sealed.subarray(0, message.length) : message, sealed);
          const out = inPlace ? sealed.subarray(0, message.length) : new Uint8Array(message.length);
          return opener.open(nonce, aad, sealed, out) && Buffer.compare(out, message) === 0;
        }),
        { numRuns: 60 },
      );
      t.pass('60 random records, at every alignment, in place and apart');
    });

    t.test(`${to.name} opens nothing of ${from.name} that was changed: ${algorithm}`, async (t) => {
      const { keyLength, nonceLength } = AEAD_PARAMETERS[algorithm];
      fc.assert(
        fc.property(exactly(keyLength), exactly(nonceLength), bytes(20), bytes(200), fc.nat(), fc.integer({ min: 1, max: 255 }), (key, nonce, aad, message, place, change) => {
          using sealer = from.provider.create(algorithm, key);
          using opener = to.provider.create(algorithm, key);
          const sealed = new Uint8Array(message.length + 16);
          sealer.seal(nonce, aad, message, sealed);
          const parts = [Uint8Array.from(nonce), Uint8Array.from(aad), sealed] as const;
          const whole = parts.flatMap((part) => [...part.keys()].map((index) => ({ part, index })));
          const { part, index } = whole[place % whole.length] as { part: Uint8Array; index: number };
          part[index] = (part[index] as number) ^ change;
          const out = new Uint8Array(message.length).fill(0xa5);
          return !opener.open(parts[0], parts[1], sealed, out) && out.every((byte) => byte === 0);
        }),
        { numRuns: 40 },
      );
      t.pass('40 random changes of nonce, AAD, ciphertext or tag; the output is wiped each time');
    });
  }
}

for (const [from, to] of pairs(offering('keyExchange'))) {
  for (const group of ['X25519', 'XWING'] as const) {
    t.test(`${from.name} asks, ${to.name} answers: ${group}`, async (t) => {
      for (let round = 0; round < 4; round += 1) {
        using share = from.provider.initiate(group);
        const { answer, secret } = to.provider.respond(group, share.share);
        using own = share.complete(group, answer);
        t.same(own.reveal(), secret.reveal());
        t.equal(own.length, 32);
        secret[Symbol.dispose]();
      }
    });
  }

  t.test(`${from.name} asks with X-Wing, ${to.name} answers with X25519`, async (t) => {
    using share = from.provider.initiate('XWING');
    const { answer, secret } = to.provider.respond('X25519', share.share.subarray(-32));
    using own = share.complete('X25519', answer);
    t.same(own.reveal(), secret.reveal());
  });

  t.test(`${from.name} and ${to.name} make the same shares from the same seeds`, async (t) => {
    for (const group of ['X25519', 'XWING'] as const) {
      fc.assert(
        fc.property(exactly(32), (seed) => {
          using a = from.provider.initiate(group, seed);
          using b = to.provider.initiate(group, seed);
          return Buffer.compare(a.share, b.share) === 0;
        }),
        { numRuns: 5 },
      );
    }
    t.pass();
  });
}

const PEMS: readonly (readonly [string, string])[] = (
  [
    ['ed25519', generateKeyPairSync('ed25519')],
    ['P-256', generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' })],
    ['RSA', generateKeyPairSync('rsa', { modulusLength: 2048 })],
  ] as const
).map(([name, { privateKey }]) => [name, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()]);

for (const [from, to] of pairs(offering('signature'))) {
  for (const [kind, pem] of PEMS) {
    if (kind === 'RSA' && (from.name !== 'openssl' || to.name !== 'openssl')) continue;
    t.test(`${from.name} signs, ${to.name} verifies: ${kind}`, async (t) => {
      const key = from.provider.loadSigningKey(pem);
      const own = from.provider.loadVerifyingKey(key.spki);
      const peer = to.provider.loadVerifyingKey(key.spki);
      for (const scheme of key.schemes) {
        const message = new TextEncoder().encode(scheme);
        const signature = key.sign(scheme, message);
        t.ok(to.provider.verify(scheme, peer, message, signature), scheme);
        t.ok(to.provider.verify(scheme, own, message, signature), `${scheme} with a key that the other engine parsed`);
        for (const place of [0, 1, signature.length >> 1, signature.length - 1]) {
          const changed = Uint8Array.from(signature);
          changed[place] = (changed[place] as number) ^ 0x01;
          t.notOk(to.provider.verify(scheme, peer, message, changed), `byte ${place} changed`);
        }
        t.notOk(to.provider.verify(scheme, peer, message, signature.subarray(1)), 'first byte missing');
        t.notOk(to.provider.verify(scheme, peer, message, signature.subarray(0, -1)), 'last byte missing');
        t.notOk(to.provider.verify(scheme, peer, message, Uint8Array.from([...signature, 0])), 'one byte too many');
        t.notOk(to.provider.verify(scheme, peer, message, new Uint8Array(0)), 'no signature');
        t.notOk(to.provider.verify(scheme, peer, new Uint8Array(0), signature), 'another message');
      }
    });
  }
}

for (const [a, b] of pairs(offering('hash')).filter(([a, b]) => a !== b)) {
  t.test(`${a.name} and ${b.name} hash alike`, async (t) => {
    const algorithm = fc.constantFrom<HashAlgorithm>('sha256', 'sha384', 'sha512');
    fc.assert(
      fc.property(algorithm, bytes(300), bytes(300), fc.nat(400), (algorithm, first, second, length) => {
        const results = [a.provider, b.provider].map((provider) => {
          const running = provider.running(algorithm);
          running.update(first);
          const branch = running.copy();
          const early = running.digest();
          running.update(second);
          branch.update(first);
          return [
            provider.hash(algorithm, first),
            early,
            running.digest(),
            branch.digest(),
            provider.hmac(algorithm, first, second),
            provider.hkdfExtract(algorithm, first, second),
            provider.hkdfExpand(algorithm, provider.hkdfExtract(algorithm, first, second), first, length),
          ].map((digest) => Buffer.from(digest).toString('hex'));
        });
        const [left, right] = results as [string[], string[]];
        return left.join() === right.join() && left[0] === left[1] && left[6]?.length === length * 2;
      }),
      { numRuns: 80 },
    );
    t.pass('digests, running digests and their copies, HMAC, HKDF');
  });
}
