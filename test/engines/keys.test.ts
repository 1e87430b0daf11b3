import t from 'tap';
import { execFileSync, spawnSync } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { inspect } from 'node:util';
import type { SignatureProvider } from '../../engines/contract.ts';
import { XpsError } from '../../base/errors.ts';
import { offering } from '../support/engines.ts';
import { hex } from '../support/vectors.ts';
import { reasonOf } from '../support/wycheproof.ts';

const ED25519 = '302a300506032b6570032100';
const P256 = '3059301306072a8648ce3d020106082a8648ce3d030107034200';

/** The eight points of small order, and the encodings of them that are not canonical. */
const SMALL_ORDER: readonly string[] = [
  `01${'00'.repeat(31)}`,
  `ec${'ff'.repeat(30)}7f`,
  '00'.repeat(32),
  `${'00'.repeat(31)}80`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  `01${'00'.repeat(30)}80`,
  `ec${'ff'.repeat(31)}`,
  `ed${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(31)}`,
  `ee${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(31)}`,
];

const pairs = {
  ed25519: generateKeyPairSync('ed25519'),
  p256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  p384: generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
};
const spkiOf = (key: KeyObject): Uint8Array => Uint8Array.from(key.export({ type: 'spki', format: 'der' }));
const pemOf = (key: KeyObject, type: 'pkcs8' | 'sec1' | 'pkcs1' = 'pkcs8'): string => key.export({ type, format: 'pem' } as { type: 'pkcs8'; format: 'pem' }).toString();

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

for (const { name, provider } of offering('signature')) {
  const refuses = (spki: Uint8Array, options?: { readonly minRsaBits?: number }): string => reasonOf(() => provider.loadVerifyingKey(spki, options));

  t.test(`${name}: public keys that are right`, async (t) => {
    const expected = { ed25519: 255, p256: 256, p384: 384 } as const;
    for (const [algorithm, bits] of Object.entries(expected)) {
      const spki = spkiOf(pairs[algorithm as keyof typeof expected].publicKey);
      const key = provider.loadVerifyingKey(spki);
      t.match(key, { algorithm, bits });
      t.same(key.spki, spki);
    }
  });

  t.test(`${name}: a key does not change with the bytes that it came from`, async (t) => {
    const spki = spkiOf(pairs.p256.publicKey);
    const key = provider.loadVerifyingKey(spki);
    spki.fill(0);
    t.same(key.spki, spkiOf(pairs.p256.publicKey));
  });

  t.test(`${name}: every cut of a public key, and bytes too many`, async (t) => {
    for (const { publicKey } of [pairs.ed25519, pairs.p256, pairs.p384]) {
      const spki = spkiOf(publicKey);
      for (let length = 0; length < spki.length; length += 1) t.equal(refuses(spki.subarray(0, length)), 'key_invalid');
      t.equal(refuses(Uint8Array.from([...spki, 0])), 'key_invalid');
    }
  });

  t.test(`${name}: Ed25519 points of small order, in every encoding`, async (t) => {
    for (const point of SMALL_ORDER) t.equal(refuses(hex(ED25519 + point)), 'key_invalid', point);
  });

  t.test(`${name}: Ed25519 points that are not reduced or not on the curve`, async (t) => {
    // y = p + 3 … p + 18 are the encodings that are not canonical; y = 2 and y = 7 have no x.
    for (let low = 0xf0; low <= 0xff; low += 1) {
      t.equal(refuses(hex(`${ED25519}${low.toString(16)}${'ff'.repeat(30)}7f`)), 'key_invalid', `low byte ${low}`);
    }
    for (const y of [2, 7]) t.equal(refuses(hex(`${ED25519}0${y}${'00'.repeat(31)}`)), 'key_invalid', `y = ${y}`);
    t.equal(refuses(hex(`${ED25519}03${'00'.repeat(31)}`)), '', 'y = 3 is a point');
  });

  t.test(`${name}: EC points in other forms or off the curve`, async (t) => {
    const spki = spkiOf(pairs.p256.publicKey);
    const changed = Uint8Array.from(spki);
    changed[spki.length - 1] = (spki.at(-1) as number) ^ 1;
    t.equal(refuses(changed), 'key_invalid', 'off the curve');
    for (const form of [0x00, 0x02, 0x03, 0x05, 0x06, 0x07]) {
      const hybrid = Uint8Array.from(spki);
      hybrid[26] = form;
      t.equal(refuses(hybrid), 'key_invalid', `form ${form}`);
    }
    const compressed = `3039301306072a8648ce3d020106082a8648ce3d03010703220002${Buffer.from(spki.subarray(27, 59)).toString('hex')}`;
    t.equal(refuses(hex(compressed)), 'key_invalid', 'compressed');
    t.equal(refuses(hex(`${P256}04${'00'.repeat(64)}`)), 'key_invalid', 'zeros');
    t.equal(refuses(hex('3019301306072a8648ce3d020106082a8648ce3d03010703020000')), 'key_invalid', 'infinity');
  });

  t.test(`${name}: other algorithms`, async (t) => {
    for (const publicKey of [
      generateKeyPairSync('ed448').publicKey,
      generateKeyPairSync('x25519').publicKey,
      generateKeyPairSync('ec', { namedCurve: 'secp521r1' }).publicKey,
      generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey,
      generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' }).publicKey,
      generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey,
    ]) {
      t.equal(refuses(spkiOf(publicKey)), 'key_invalid', String(publicKey.asymmetricKeyType));
    }
  });

  t.test(`${name}: private keys in every usual form`, async (t) => {
    const files = [
      ['ed25519', pemOf(pairs.ed25519.privateKey)],
      ['p256', pemOf(pairs.p256.privateKey)],
      ['p256', pemOf(pairs.p256.privateKey, 'sec1')],
      ['p384', pemOf(pairs.p384.privateKey)],
      ['p384', pemOf(pairs.p384.privateKey, 'sec1')],
    ] as const;
    for (const [kind, pem] of files) {
      const key = provider.loadSigningKey(`a comment\n-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${pem.replaceAll('\n', '\r\n')}`);
      t.same(key.spki, spkiOf(pairs[kind].publicKey));
      t.equal(key.schemes.length, 1);
    }
  });

  t.test(`${name}: private keys made by the openssl command`, { skip: hasOpenssl ? false : 'openssl is not installed' }, async (t) => {
    for (const args of [
      ['genpkey', '-algorithm', 'ed25519'],
      ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
      ['ecparam', '-name', 'secp384r1', '-genkey'],
    ]) {
      const key = provider.loadSigningKey(execFileSync('openssl', args, { encoding: 'utf8' }));
      const [scheme] = key.schemes;
      if (scheme === undefined) throw new Error('a key without a scheme');
      const message = Uint8Array.of(1, 2, 3);
      t.ok(provider.verify(scheme, provider.loadVerifyingKey(key.spki), message, key.sign(scheme, message)), args.join(' '));
    }
  });

  t.test(`${name}: files without exactly one usable private key`, async (t) => {
    const pem = pemOf(pairs.p256.privateKey);
    const encrypted = pairs.p256.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' }).toString();
    for (const [what, text, detail] of [
      ['nothing', '', /no PEM block/],
      ['a public key', pairs.p256.publicKey.export({ type: 'spki', format: 'pem' }).toString(), /no PEM block/],
      ['two keys', pem + pem, /more than one/],
      ['an encrypted key', encrypted, /encrypted with a passphrase/],
      ['an encrypted key of old', '-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n', /encrypted with a passphrase/],
      ['something else than base64', '-----BEGIN PRIVATE KEY-----\n%%%%\n-----END PRIVATE KEY-----\n', /not base64/],
      ['something else than DER', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n', /./],
      ['a key cut short', pem.replace(/\n[^\n]{20}/, '\n'), /./],
      ['a key of another kind', pemOf(generateKeyPairSync('x25519').privateKey), /./],
      ['a key on another curve', pemOf(generateKeyPairSync('ec', { namedCurve: 'secp521r1' }).privateKey), /./],
    ] as const) {
      t.match(thrownBy(() => provider.loadSigningKey(text)), { reason: 'key_invalid', detail }, what);
    }
  });

  t.test(`${name}: halves of two keys`, async (t) => {
    const [own, other] = [pairs.p256.privateKey, generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey];
    const der = own.export({ type: 'sec1', format: 'der' });
    spkiOf(other).subarray(26).forEach((byte, i) => (der[der.length - 65 + i] = byte));
    const pem = `-----BEGIN EC PRIVATE KEY-----\n${der.toString('base64')}\n-----END EC PRIVATE KEY-----\n`;
    t.match(thrownBy(() => provider.loadSigningKey(pem)), { reason: 'key_invalid', detail: /do not belong together/ });
  });

  t.test(`${name}: a scheme that does not fit the key`, async (t) => {
    const key = provider.loadSigningKey(pemOf(pairs.ed25519.privateKey));
    t.equal(reasonOf(() => key.sign('ecdsa_p256_sha256', new Uint8Array(1))), 'key_invalid');
    const verifying = provider.loadVerifyingKey(key.spki);
    t.notOk(provider.verify('ecdsa_p256_sha256', verifying, new Uint8Array(1), key.sign('ed25519', new Uint8Array(1))));
  });

  t.test(`${name}: errors and keys show no key bytes`, async (t) => {
    const seed = pairs.ed25519.privateKey.export({ format: 'jwk' }).d as string;
    const secret = Buffer.from(seed, 'base64url');
    const key = provider.loadSigningKey(pemOf(pairs.ed25519.privateKey));
    const shown = inspect(key, { depth: 10, showHidden: true }) + JSON.stringify(key);
    t.notOk(shown.includes(secret.toString('hex')) || shown.includes([...secret.subarray(0, 8)].join(',')), 'a printed key');
    const broken = pemOf(pairs.ed25519.privateKey).replace('MC4C', 'MC4D');
    try {
      provider.loadSigningKey(broken);
      t.fail('a broken key was taken');
    } catch (error) {
      const text = inspect(error, { depth: 10 });
      t.ok(error instanceof XpsError);
      t.notOk(text.includes(secret.toString('hex')) || text.includes(secret.toString('base64').slice(0, 16)));
    }
  });
}

const openssl = offering('signature')[0]?.provider as SignatureProvider;
const portable = offering('signature')[1]?.provider as SignatureProvider;

t.test('RSA keys: sizes, exponents, encodings', async (t) => {
  const spki = spkiOf(pairs.rsa.publicKey);
  t.match(openssl.loadVerifyingKey(spki), { algorithm: 'rsa', bits: 2048 });
  const small = spkiOf(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey);
  t.match(thrownBy(() => openssl.loadVerifyingKey(small)), { reason: 'key_invalid', detail: /1024 bits, 2048 to 8192/ });
  t.match(openssl.loadVerifyingKey(small, { minRsaBits: 1024 }), { bits: 1024 }, 'old suites may ask for less');
  t.equal(openssl.loadVerifyingKey(spkiOf(generateKeyPairSync('rsa', { modulusLength: 2050 }).publicKey)).bits, 2050);
  t.ok(openssl.loadVerifyingKey(spkiOf(generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }).publicKey)));

  const withExponent = (exponent: string): Uint8Array => rsaSpki(`00c1${'37'.repeat(254)}01`, exponent);
  t.ok(openssl.loadVerifyingKey(withExponent('010001')), 'a key put together here is taken');
  for (const [what, exponent] of [['zero', '00'], ['one', '01'], ['even', '010000'], ['34 bits', '0200000001'], ['negative', '810001'], ['padded', '00010001']] as const) {
    t.equal(reasonOf(() => openssl.loadVerifyingKey(withExponent(exponent))), 'key_invalid', what);
  }
  t.equal(reasonOf(() => openssl.loadVerifyingKey(rsaSpki(`00c1${'37'.repeat(254)}00`, '010001'))), 'key_invalid', 'an even modulus');
  t.equal(reasonOf(() => openssl.loadVerifyingKey(rsaSpki(`00ff${'37'.repeat(1025)}`, '010001'))), 'key_invalid', 'more than 8192 bits');
  t.equal(reasonOf(() => openssl.loadVerifyingKey(rsaSpki(`00c1${'37'.repeat(254)}01`, '010001', ''))), 'key_invalid', 'parameters missing');
  t.equal(reasonOf(() => openssl.loadVerifyingKey(Uint8Array.from([...spki, 0]))), 'key_invalid', 'trailing byte');
  for (let length = 0; length < spki.length; length += 1) t.equal(reasonOf(() => openssl.loadVerifyingKey(spki.subarray(0, length))), 'key_invalid');
});

t.test('RSA private keys: PKCS#8 and PKCS#1, too small, RSASSA-PSS only', async (t) => {
  for (const type of ['pkcs8', 'pkcs1'] as const) {
    const key = openssl.loadSigningKey(pemOf(pairs.rsa.privateKey, type));
    t.same(key.schemes, ['rsa_pss_sha256', 'rsa_pss_sha384', 'rsa_pss_sha512']);
  }
  t.equal(reasonOf(() => openssl.loadSigningKey(pemOf(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey))), 'key_invalid');
  t.equal(reasonOf(() => openssl.loadSigningKey(pemOf(generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey))), 'key_invalid');
});

t.test('the portable engine says that it has no RSA', async (t) => {
  t.equal(reasonOf(() => portable.loadVerifyingKey(spkiOf(pairs.rsa.publicKey))), 'algorithm_unavailable');
  for (const type of ['pkcs8', 'pkcs1'] as const) {
    t.equal(reasonOf(() => portable.loadSigningKey(pemOf(pairs.rsa.privateKey, type))), 'algorithm_unavailable', type);
  }
  t.notOk(portable.algorithms.some((algorithm) => algorithm.startsWith('rsa')));
});

function thrownBy(call: () => unknown): unknown {
  try {
    call();
    return undefined;
  } catch (error) {
    return error;
  }
}

function rsaSpki(modulus: string, exponent: string, parameters = '0500'): Uint8Array {
  const numbers = sequence(integer(modulus) + integer(exponent));
  return hex(sequence(sequence(`06092a864886f70d010101${parameters}`) + element('03', `00${numbers}`)));
}

const integer = (value: string): string => element('02', value);
const sequence = (contents: string): string => element('30', contents);

function element(tag: string, contents: string): string {
  const length = contents.length / 2;
  const encoded = length < 128 ? length.toString(16).padStart(2, '0') : length < 256 ? `81${length.toString(16)}` : `82${length.toString(16).padStart(4, '0')}`;
  return tag + encoded + contents;
}
