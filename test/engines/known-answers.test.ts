// Known answers of BoringSSL and NIST, on every engine that has the primitive.
import t, { type Test } from 'tap';
import { createPrivateKey, decapsulate } from 'node:crypto';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import type { KeyExchangeProvider } from '../../engines/contract.ts';
import { opensslMlKem } from '../../engines/openssl/key-exchange.ts';
import { portableMlKem } from '../../engines/portable/key-exchange.ts';
import { AEAD_FILES, field, isAnswered, usableRecords, type KnownAnswer } from '../support/aead-answers.ts';
import { offering, portable } from '../support/engines.ts';
import { hex, readRecords, withoutVectors } from '../support/vectors.ts';
import { reasonOf } from '../support/wycheproof.ts';

for (const { name, provider } of offering('aead')) {
  for (const file of AEAD_FILES) {
    t.test(`${name}: ${file.algorithm}`, { skip: withoutVectors }, async (t) => {
      t.same(usableRecords(file).filter((record) => !isAnswered(provider, file.algorithm, record)), []);
    });
  }
}

for (const { name, mlKem } of [
  { name: 'openssl', mlKem: opensslMlKem },
  { name: 'portable', mlKem: portableMlKem },
]) {
  t.test(`${name}: ML-KEM-768 key generation (NIST)`, { skip: withoutVectors }, async (t) => {
    const records = readRecords('kat/mlkem768_nist_keygen_tests.txt');
    t.equal(records.length, 25);
    for (const record of records) {
      using key = mlKem.generate(Buffer.concat([field(record, 'd'), field(record, 'z')]));
      t.same(key.encapsulationKey, field(record, 'ek'));
    }
  });
}

t.test('ML-KEM-768 decapsulation (NIST), in the libraries under the engines: the engines take no expanded keys', { skip: withoutVectors }, async (t) => {
  const records = readRecords('kat/mlkem768_nist_decap_tests.txt');
  t.equal(records.length, 10);
  for (const record of records) {
    const [dk, c, k] = [field(record, 'dk'), field(record, 'c'), field(record, 'k')];
    t.same(ml_kem768.decapsulate(c, dk), k, 'noble');
    t.same(Uint8Array.from(decapsulate(expandedKey(dk), c)), k, 'OpenSSL');
  }
});

/** RFC 9935 §6, the expandedKey form. */
function expandedKey(dk: Uint8Array): ReturnType<typeof createPrivateKey> {
  const der = Buffer.concat([hex('30820978020100300b06096086480165030404020482096404820960'), dk]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

for (const { name, provider } of offering('keyExchange')) {
  t.test(`${name}: X-Wing`, { skip: withoutVectors }, async (t) => {
    const records = readRecords('kat/xwing_tests.txt');
    const keys = new Map(records.filter((record) => record.has('PrivateSeed')).map((record) => [text(record, 'Key'), record]));
    const counted = { decapsulated: 0, refused: 0 };
    for (const record of records) {
      const isRefused = record.has('Error') || record.has('DecapsulateFail');
      const act = (): void => actOn(t, provider, record, keys);
      if (isRefused) {
        t.match(reasonOf(act), /^key_(?:invalid|share_invalid)$/);
        counted.refused += 1;
      } else if (record.has('Decapsulate')) {
        act();
        counted.decapsulated += 1;
      }
    }
    t.same(counted, { decapsulated: 2, refused: 6 });
  });
}

function actOn(t: Test, provider: KeyExchangeProvider, record: KnownAnswer, keys: ReadonlyMap<string, KnownAnswer>): void {
  if (record.has('RawPublic')) {
    provider.respond('XWING', field(record, 'RawPublic'));
    return;
  }
  if (record.has('PrivateSeed')) {
    provider.initiate('XWING', field(record, 'PrivateSeed'));
    return;
  }
  const key = keys.get(text(record, 'Decapsulate').replace('/Private', ''));
  if (key === undefined) throw new Error('a record names no key');
  using share = provider.initiate('XWING', field(key, 'PrivateSeed'));
  t.same(share.share, field(key, 'RawPublic'));
  using secret = share.complete('XWING', field(record, 'Input'));
  t.same(secret.reveal(), field(record, 'Output'));
}

t.test('portable: X-Wing encapsulation with the randomness of the draft', async (t) => {
  // draft-connolly-cfrg-xwing-kem-06 appendix C, first vector
  const eseed = hex('3cb1eea988004b93103cfb0aeefd2a686e01fa4a58e8a3639ca8a1e3f9ae57e235b8cc873c23dc62b8d260169afa2f75ab916a58d974918835d25e6a435085b2');
  const provider = portable.keyExchange;
  if (provider === undefined) throw new Error('the portable engine has key exchange');
  using share = provider.initiate('XWING', hex('7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26'));
  const { answer, secret } = provider.respond('XWING', share.share, eseed);
  t.same(secret.reveal(), hex('d2df0522128f09dd8e2c92b1e905c793d8f57a54c3da25861f10bf4ca613e384'));
  t.equal(Buffer.from(answer.subarray(0, 16)).toString('hex'), 'b83aa828d4d62b9a83ceffe1d3d3bb1e');
});

function text(record: KnownAnswer, name: string): string {
  return Buffer.from(field(record, name)).toString();
}
