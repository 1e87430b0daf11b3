import t from 'tap';
import { generateKeyPairSync } from 'node:crypto';
import type { AeadCipher, AeadProvider, Engine, KeyExchangeProvider, SignatureProvider } from '../../engines/contract.ts';
import { ALGORITHMS } from '../../engines/policy.ts';
import { createCrypto, EngineRegistry, type EngineChoice } from '../../engines/registry.ts';
import { reportEngines } from '../../engines/report.ts';
import { FORBIDDABLE } from '../../sidecar/config/forbiddable.ts';
import { native, openssl, portable, withoutNative } from '../support/engines.ts';
import { hex } from '../support/vectors.ts';
import { reasonOf } from '../support/wycheproof.ts';

const KEY = new Uint8Array(32);
const pemOf = (type: 'ed25519' | 'rsa'): string =>
  (type === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ed25519')).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

t.test('openssl, when it is forced, does everything', async (t) => {
  const crypto = createCrypto({ engine: 'openssl', forbid: [] });
  for (const algorithm of ALGORITHMS) t.equal(crypto.providerOf(algorithm), 'openssl', algorithm);
  using cipher = crypto.aead('AES_GCM', KEY);
  t.equal(cipher.provider, 'openssl');
  t.equal(crypto.hash.name, 'openssl');
});

t.test('portable, when it is forced, does everything but RSA, and nobody steps in', async (t) => {
  const crypto = createCrypto({ engine: 'portable', forbid: [] });
  for (const algorithm of ALGORITHMS) t.equal(crypto.providerOf(algorithm), algorithm.startsWith('rsa') ? undefined : 'portable', algorithm);
  t.notOk(crypto.isAvailable('rsa_pss_sha256'));
  t.equal(reasonOf(() => crypto.signature.loadSigningKey(pemOf('rsa'))), 'algorithm_unavailable');
});

t.test('native, when it is forced, does the AEADs', { skip: withoutNative }, async (t) => {
  const crypto = createCrypto({ engine: 'native', forbid: [] });
  using cipher = crypto.aead('XCHACHA20_POLY1305', KEY);
  t.match(cipher.provider, /^native /);
  t.equal(crypto.providerOf('ed25519'), 'openssl');
});

t.test('auto prefers the native AEADs and never warns then', { skip: withoutNative }, async (t) => {
  const warnings: string[] = [];
  const crypto = createCrypto({ engine: 'auto', forbid: [], onWarning: (message) => warnings.push(message) });
  t.equal(crypto.providerOf('AES_GCM'), 'native');
  t.equal(crypto.providerOf('XWING'), 'openssl');
  t.same(warnings, []);
});

t.test('an instruction set that nobody knows is an error, in auto as well', { skip: withoutNative }, async (t) => {
  for (const engine of ['auto', 'native'] as const) {
    t.equal(reasonOf(() => createCrypto({ engine, forbid: [], isaMask: 'mmx' })), 'environment_invalid', engine);
  }
});

t.test('an engine that nobody knows', async (t) => {
  t.equal(reasonOf(() => createCrypto({ engine: 'boringssl' as EngineChoice, forbid: [] })), 'engine_unknown');
});

t.test('each primitive goes to the first engine that offers it', async (t) => {
  const onlyHash: Engine = { name: 'portable', hash: portable.hash as NonNullable<Engine['hash']> };
  const crypto = new EngineRegistry([onlyHash, openssl], []);
  t.equal(crypto.hash.name, 'portable');
  t.equal(crypto.providerOf('AES_GCM'), 'openssl');
  t.equal(crypto.providerOf('X25519'), 'openssl');
});

t.test('an OpenSSL without ML-KEM and ChaCha20 leaves those to the next engine', async (t) => {
  const keyExchange: KeyExchangeProvider = { ...(openssl.keyExchange as KeyExchangeProvider), groups: ['X25519'] };
  const aead: AeadProvider = { ...(openssl.aead as AeadProvider), algorithms: ['AES_GCM'] };
  const crypto = new EngineRegistry([{ ...openssl, keyExchange, aead }, portable], []);
  t.equal(crypto.providerOf('X25519'), 'openssl');
  t.equal(crypto.providerOf('XWING'), 'portable');
  t.equal(crypto.providerOf('CHACHA20_POLY1305'), 'portable');
  t.same(crypto.keyExchange.groups, ['X25519', 'XWING']);

  const alone = new EngineRegistry([{ ...openssl, keyExchange, aead }], []);
  t.notOk(alone.isAvailable('XWING'));
  t.equal(reasonOf(() => alone.keyExchange.initiate('XWING')), 'algorithm_unavailable');
  t.equal(reasonOf(() => alone.aead('XCHACHA20_POLY1305', KEY)), 'algorithm_unavailable');
});

t.test('what is forbidden is refused, wherever it is asked for', async (t) => {
  const forbid = ['CHACHA20_POLY1305', 'XWING', 'rsa', 'ecdsa_p384_sha256', 'sha1', 'des'];
  const crypto = createCrypto({ engine: 'openssl', forbid });
  for (const what of ['CHACHA20_POLY1305', 'XWING', 'rsa_pss_sha256', 'rsa_pkcs1_sha512', 'ecdsa_p384_sha256'] as const) {
    t.notOk(crypto.isAvailable(what), what);
  }
  for (const what of ['AES_GCM', 'X25519', 'ed25519', 'ecdsa_p384_sha384'] as const) t.ok(crypto.isAvailable(what), what);
  t.equal(reasonOf(() => crypto.aead('CHACHA20_POLY1305', KEY)), 'algorithm_forbidden');
  t.equal(reasonOf(() => crypto.keyExchange.initiate('XWING')), 'algorithm_forbidden');
  t.equal(reasonOf(() => crypto.keyExchange.respond('XWING', new Uint8Array(1216))), 'algorithm_forbidden');
  t.equal(reasonOf(() => crypto.signature.loadSigningKey(pemOf('rsa'))), 'algorithm_forbidden');
  const rsaKey = (openssl.signature as SignatureProvider).loadSigningKey(pemOf('rsa'));
  t.equal(reasonOf(() => crypto.signature.loadVerifyingKey(rsaKey.spki)), 'algorithm_forbidden');
  const key = (openssl.signature as SignatureProvider).loadVerifyingKey(rsaKey.spki);
  t.equal(reasonOf(() => crypto.signature.verify('rsa_pkcs1_sha256', key, KEY, KEY)), 'algorithm_forbidden');
  t.notOk(crypto.selfTestResults.some(({ primitive }) => primitive.startsWith('rsa') || primitive === 'XWING'), 'what is not used is not tested');
});

t.test('a key keeps the schemes that are not forbidden', async (t) => {
  const crypto = createCrypto({ engine: 'openssl', forbid: ['rsa_pss_sha256'] });
  const key = crypto.signature.loadSigningKey(pemOf('rsa'));
  t.same(key.schemes, ['rsa_pss_sha384', 'rsa_pss_sha512']);
  t.equal(reasonOf(() => key.sign('rsa_pss_sha256', KEY)), 'algorithm_forbidden');
  const verifying = crypto.signature.loadVerifyingKey(key.spki);
  t.ok(crypto.signature.verify('rsa_pss_sha384', verifying, KEY, key.sign('rsa_pss_sha384', KEY)));
});

t.test('the policy knows every name that the configuration takes, and no other', async (t) => {
  t.ok(createCrypto({ engine: 'openssl', forbid: FORBIDDABLE.filter((name) => name.startsWith('rsa') || name.toLowerCase() === name) }));
  for (const algorithm of ALGORITHMS) t.ok((FORBIDDABLE as readonly string[]).includes(algorithm), algorithm);
  for (const name of ['aes_gcm', 'AES', 'toString', '']) {
    t.equal(reasonOf(() => createCrypto({ engine: 'openssl', forbid: [name] })), 'config_invalid', JSON.stringify(name));
  }
});

t.test('a generation is published as a whole, and what is in use goes on', async (t) => {
  const crypto = new EngineRegistry([openssl, portable], []);
  t.equal(crypto.generation, 1);
  const [hash, cipher] = [crypto.hash, crypto.aead('AES_GCM', KEY)];
  const oldKey = crypto.signature.loadSigningKey(pemOf('ed25519'));
  const oldVerifying = crypto.signature.loadVerifyingKey(oldKey.spki);

  crypto.replace({ engines: [portable, openssl] });
  t.equal(crypto.generation, 2);
  t.equal(crypto.providerOf('AES_GCM'), 'portable');
  t.equal(hash.name, 'openssl', 'a provider in use stays');
  const sealed = new Uint8Array(20);
  cipher.seal(new Uint8Array(12), KEY, new Uint8Array(4), sealed);
  t.equal(cipher.provider, 'openssl');
  using fresh: AeadCipher = crypto.aead('AES_GCM', KEY);
  t.equal(fresh.provider, 'portable');
  t.ok(fresh.open(new Uint8Array(12), KEY, sealed, new Uint8Array(4)));
  t.ok(crypto.signature.verify('ed25519', oldVerifying, KEY, oldKey.sign('ed25519', KEY)), 'keys outlive the exchange');

  crypto.replace({ forbid: ['AES_GCM'] });
  t.equal(crypto.generation, 3);
  t.equal(reasonOf(() => crypto.aead('AES_GCM', KEY)), 'algorithm_forbidden');
});

t.test('a refused exchange changes nothing', async (t) => {
  const crypto = new EngineRegistry([openssl], []);
  const broken: Engine = { ...openssl, aead: { ...(portable.aead as AeadProvider), create: () => { throw new Error('broken'); } } };
  t.equal(reasonOf(() => crypto.replace({ engines: [broken] })), 'selftest_failed');
  t.equal(reasonOf(() => crypto.replace({ engines: [] })), 'algorithm_unavailable');
  t.equal(reasonOf(() => crypto.replace({ forbid: ['no such thing'] })), 'config_invalid');
  t.equal(crypto.generation, 1);
  t.same(crypto.engines, [openssl]);
  t.equal(crypto.providerOf('AES_GCM'), 'openssl');
});

t.test('published vectors can be reproduced whatever the engine', async (t) => {
  const seed = hex('7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26');
  for (const engine of ['openssl', 'portable'] as const) {
    const crypto = createCrypto({ engine, forbid: [] });
    using share = crypto.keyExchange.initiate('XWING', seed);
    const { answer, secret } = crypto.keyExchange.respond('XWING', share.share, new Uint8Array(64).fill(5));
    using own = share.complete('XWING', answer);
    t.same(own.reveal(), secret.reveal());
    t.equal(reasonOf(() => crypto.keyExchange.respond('XWING', share.share, new Uint8Array(63))), 'key_invalid');
  }
});

t.test('random bytes and comparison', async (t) => {
  const crypto = createCrypto({ engine: 'openssl', forbid: [] });
  for (const length of [0, 1, 32, 70_000]) t.equal(crypto.random(length).length, length);
  t.notSame(crypto.random(32), crypto.random(32));
  t.ok(crypto.equal(Uint8Array.of(1, 2), Uint8Array.of(1, 2)));
  t.notOk(crypto.equal(Uint8Array.of(1, 2), Uint8Array.of(1, 3)));
  t.notOk(crypto.equal(Uint8Array.of(1, 2), Uint8Array.of(1)));
});

t.test('the report shows every engine with all of its tests', async (t) => {
  const reports = reportEngines();
  t.same(reports.map(({ name }) => name), ['native', 'openssl', 'portable']);
  const [first, second, third] = reports;
  t.equal(first?.absence === '', native !== undefined);
  t.equal(second?.selfTests.length, 3 + 2 + 1 + 13);
  t.equal(third?.selfTests.length, 3 + 2 + 1 + 7);
  for (const { name, selfTests } of reports) t.ok(selfTests.every(({ hasPassed }) => hasPassed), name);
});
