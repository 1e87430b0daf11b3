// An engine that answers wrongly anywhere is never put to use, and the error says where.
import t from 'tap';
import type { AeadCipher, AeadProvider, Engine, HashProvider, KeyExchangeProvider, RunningHash, SignatureProvider } from '../../engines/contract.ts';
import { EngineRegistry } from '../../engines/registry.ts';
import { SelfTests } from '../../engines/self-test.ts';
import { Secret } from '../../base/secret.ts';
import { openssl } from '../support/engines.ts';

const aead = openssl.aead as AeadProvider;
const hash = openssl.hash as HashProvider;
const keyExchange = openssl.keyExchange as KeyExchangeProvider;
const signature = openssl.signature as SignatureProvider;

function flipped(bytes: Uint8Array, at = 0): Uint8Array<ArrayBuffer> {
  const changed = Uint8Array.from(bytes);
  changed[at] = (changed[at] as number) ^ 1;
  return changed;
}

function withCipher(broken: (cipher: AeadCipher) => Partial<AeadCipher>): Engine {
  return {
    ...openssl,
    aead: {
      ...aead,
      create(algorithm, key) {
        const cipher = aead.create(algorithm, key);
        return {
          algorithm,
          provider: 'broken',
          seal: (...args) => cipher.seal(...args),
          open: (...args) => cipher.open(...args),
          [Symbol.dispose]: () => cipher[Symbol.dispose](),
          ...broken(cipher),
        };
      },
    },
  };
}

const BROKEN: readonly (readonly [string, RegExp, Engine])[] = [
  ['seals wrongly', /AES_GCM: the ciphertext/, withCipher((cipher) => ({
    seal(nonce, aad, plaintext, out) {
      cipher.seal(nonce, aad, plaintext, out);
      out[0] = (out[0] as number) ^ 1;
    },
  }))],
  ['seals long messages wrongly', /AES_GCM: the tag of a long message/, withCipher((cipher) => ({
    seal(nonce, aad, plaintext, out) {
      cipher.seal(nonce, aad, plaintext, out);
      if (plaintext.length > 1024) out[out.length - 1] = (out.at(-1) as number) ^ 1;
    },
  }))],
  ['ignores the AAD', /AES_GCM: the ciphertext/, withCipher((cipher) => ({
    seal: (nonce, _, plaintext, out) => cipher.seal(nonce, new Uint8Array(0), plaintext, out),
  }))],
  ['accepts forgeries', /AES_GCM: the answer to a wrong tag/, withCipher((cipher) => ({
    open(nonce, aad, sealed, out) {
      cipher.open(nonce, aad, sealed, out);
      return true;
    },
  }))],
  ['releases plaintext of forgeries', /AES_GCM: the output after a wrong tag/, withCipher((cipher) => ({
    open(nonce, aad, sealed, out) {
      const isOpened = cipher.open(nonce, aad, sealed, out);
      if (!isOpened) out.fill(1);
      return isOpened;
    },
  }))],
  ['opens nothing', /AES_GCM: the answer to a right tag/, withCipher(() => ({ open: () => false }))],
  ['throws', /AES_GCM: .*no such instruction/, withCipher(() => ({
    seal() {
      throw new Error('no such instruction');
    },
  }))],
  ['hashes wrongly', /hash: sha384/, { ...openssl, hash: { ...hash, hash: (algorithm, bytes) => (algorithm === 'sha384' ? flipped(hash.hash(algorithm, bytes)) : hash.hash(algorithm, bytes)) } }],
  ['computes HMAC wrongly', /hash: HMAC sha256/, { ...openssl, hash: { ...hash, hmac: (algorithm, key, bytes) => flipped(hash.hmac(algorithm, key, bytes)) } }],
  ['extracts wrongly', /hash: HKDF-Extract/, { ...openssl, hash: { ...hash, hkdfExtract: (algorithm, salt, ikm) => hash.hkdfExtract(algorithm, ikm, salt) } }],
  ['expands wrongly', /hash: HKDF-Expand/, { ...openssl, hash: { ...hash, hkdfExpand: (algorithm, prk, info, length) => flipped(hash.hkdfExpand(algorithm, prk, info, length)) } }],
  ['shares state between copies of a hash', /hash: running sha256/, { ...openssl, hash: { ...hash, running: (algorithm) => sharedCopy(hash.running(algorithm)) } }],
  ['makes wrong shares', /X25519: the share/, { ...openssl, keyExchange: { ...keyExchange, initiate: (group, seed) => keyExchange.initiate(group, seed === undefined ? seed : flipped(seed, 5)) } }],
  ['agrees on something else', /X25519: the responder's secret/, {
    ...openssl,
    keyExchange: {
      ...keyExchange,
      respond(group, share, seed) {
        const { answer, secret } = keyExchange.respond(group, share, seed);
        return { answer, secret: new Secret(flipped(secret.reveal())) };
      },
    },
  }],
  ['encapsulates to something else', /XWING: the secret of one side/, {
    ...openssl,
    keyExchange: {
      ...keyExchange,
      respond(group, share, seed) {
        const { answer, secret } = keyExchange.respond(group, share, seed);
        return { answer, secret: group === 'XWING' ? new Secret(flipped(secret.reveal())) : secret };
      },
    },
  }],
  ['verifies everything', /ed25519: the answer to a wrong signature/, { ...openssl, signature: { ...signature, verify: () => true } }],
  ['verifies nothing', /ed25519: the answer to a right signature/, { ...openssl, signature: { ...signature, verify: () => false } }],
  ['verifies RSA under the wrong padding', /rsa_pss_sha256: the answer to a right signature/, {
    ...openssl,
    signature: {
      ...signature,
      verify: (algorithm, ...rest) => signature.verify(algorithm === 'rsa_pss_sha256' ? 'rsa_pkcs1_sha256' : algorithm, ...rest),
    },
  }],
  ['signs wrongly', /ed25519: a signature of its own/, {
    ...openssl,
    signature: {
      ...signature,
      loadSigningKey(pem) {
        const key = signature.loadSigningKey(pem);
        return { spki: key.spki, schemes: key.schemes, sign: (scheme, message) => flipped(key.sign(scheme, message), 8) };
      },
    },
  }],
];

for (const [what, detail, engine] of BROKEN) {
  t.test(`an engine that ${what} is refused`, async (t) => {
    try {
      const registry = new EngineRegistry([engine], []);
      t.fail(`it was taken, generation ${registry.generation}`);
    } catch (error) {
      t.match(error, { reason: 'selftest_failed', detail });
    }
  });
}

t.test('a broken engine is refused for what it would be used for only', async (t) => {
  const broken = withCipher(() => ({ open: () => false }));
  t.ok(new EngineRegistry([openssl, broken], []), 'it stands behind one that works');
  t.ok(new EngineRegistry([broken], ['AES_GCM', 'CHACHA20_POLY1305', 'XCHACHA20_POLY1305']), 'nobody will use it');
});

t.test('each engine is tested once, and an exchanged one anew', async (t) => {
  const tests = new SelfTests();
  tests.demandAead(openssl, 'AES_GCM');
  tests.demandAead(openssl, 'AES_GCM');
  t.equal(tests.results.length, 1);
  tests.demandAead({ ...openssl }, 'AES_GCM');
  t.equal(tests.results.length, 2);
  t.throws(() => tests.demandAead({ name: 'portable' }, 'AES_GCM'), { reason: 'selftest_failed' } as unknown as Error, 'what is not offered fails');
});

t.test('a survey goes on after a failure', async (t) => {
  const results = new SelfTests().survey(withCipher(() => ({ open: () => false })));
  t.same(results.filter(({ hasPassed }) => !hasPassed).map(({ primitive }) => primitive), ['AES_GCM', 'CHACHA20_POLY1305', 'XCHACHA20_POLY1305']);
  t.equal(results.length, 19);
});

function sharedCopy(running: RunningHash): RunningHash {
  return { update: (bytes) => running.update(bytes), digest: () => running.digest(), copy: () => sharedCopy(running) };
}
