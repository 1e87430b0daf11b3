import t from 'tap';
import type { CertificateSignatureAlgorithm, SignatureProvider } from '../../../engines/contract.ts';
import { offering, openssl } from '../../support/engines.ts';
import { withoutVectors } from '../../support/vectors.ts';
import { accountForAll, bytesOf, judged, reasonOf, type Exclusions, type Verdict, type WycheproofCase, type WycheproofGroup } from '../../support/wycheproof.ts';

/** Runs on every engine that has signatures. */
const EVERYWHERE: readonly (readonly [string, CertificateSignatureAlgorithm])[] = [
  ['ed25519_test.json', 'ed25519'],
  ['ecdsa_secp256r1_sha256_test.json', 'ecdsa_p256_sha256'],
  ['ecdsa_secp256r1_sha512_test.json', 'ecdsa_p256_sha512'],
  ['ecdsa_secp384r1_sha384_test.json', 'ecdsa_p384_sha384'],
  ['ecdsa_secp384r1_sha512_test.json', 'ecdsa_p384_sha512'],
];

for (const { name, provider } of offering('signature')) {
  for (const [file, algorithm] of EVERYWHERE) {
    t.test(`${name}: ${algorithm}`, { skip: withoutVectors }, async (t) => {
      accountForAll(t, file, (test, group) => judgeSignature(provider, algorithm, test, group));
    });
  }

  t.test(`${name}: keys on P-521 are refused`, { skip: withoutVectors }, async (t) => {
    accountForAll(t, 'ecdsa_secp521r1_sha512_test.json', (_, group) => judgeRefusedKey(provider, group, OTHER_CURVE), { [OTHER_CURVE]: 542 });
  });

  t.test(`${name}: ML-DSA keys are refused`, { skip: withoutVectors }, async (t) => {
    accountForAll(t, 'mldsa_65_verify_test.json', (_, group) => judgeRefusedKey(provider, group, ML_DSA), { [ML_DSA]: 210 });
  });

  t.test(`${name}: keys that may only sign with RSASSA-PSS are refused`, { skip: withoutVectors }, async (t) => {
    const judge = (_: WycheproofCase, group: WycheproofGroup): Verdict => judgeRefusedKey(provider, group, PSS_KEY);
    accountForAll(t, 'rsa_pss_2048_sha256_mgf1_32_params_test.json', judge, { [PSS_KEY]: 108 });
    accountForAll(t, 'rsa_pss_misc_params_test.json', judge, { [PSS_KEY]: 150 });
  });
}

const OTHER_CURVE = 'a curve that is not offered; the key is refused';
const ML_DSA = 'an algorithm that is not offered; the key is refused';
const PSS_KEY = 'id-RSASSA-PSS as key type, which is not offered (PROTOCOL.md §4.2: rsaEncryption); the key is refused';
const OTHER_PARAMETERS = 'a hash, MGF or salt length that is not offered; the signature is refused';

// RSA: OpenSSL alone has it.

const RSA: readonly (readonly [string, CertificateSignatureAlgorithm, Exclusions])[] = [
  ['rsa_signature_2048_sha256_test.json', 'rsa_pkcs1_sha256', {}],
  ['rsa_signature_2048_sha384_test.json', 'rsa_pkcs1_sha384', {}],
  ['rsa_signature_2048_sha512_test.json', 'rsa_pkcs1_sha512', {}],
  ['rsa_signature_3072_sha256_test.json', 'rsa_pkcs1_sha256', {}],
  ['rsa_signature_4096_sha256_test.json', 'rsa_pkcs1_sha256', {}],
  ['rsa_pss_2048_sha256_mgf1_32_test.json', 'rsa_pss_sha256', {}],
  ['rsa_pss_2048_sha384_mgf1_48_test.json', 'rsa_pss_sha384', {}],
  ['rsa_pss_3072_sha256_mgf1_32_test.json', 'rsa_pss_sha256', {}],
  ['rsa_pss_4096_sha256_mgf1_32_test.json', 'rsa_pss_sha256', {}],
  ['rsa_pss_4096_sha512_mgf1_64_test.json', 'rsa_pss_sha512', {}],
];
const rsa = openssl.signature as SignatureProvider;

for (const [file, algorithm, exclusions] of RSA) {
  t.test(`openssl: ${algorithm}, ${file}`, { skip: withoutVectors }, async (t) => {
    accountForAll(t, file, (test, group) => judgeSignature(rsa, algorithm, test, group), exclusions);
  });
}

t.test('openssl: RSA-PSS with all sorts of parameters', { skip: withoutVectors }, async (t) => {
  const judge = (test: WycheproofCase, group: WycheproofGroup): Verdict => {
    const name = `rsa_pss_${(group['sha'] as string).replace('SHA-', 'sha')}`;
    const algorithm = (['rsa_pss_sha256', 'rsa_pss_sha384', 'rsa_pss_sha512'] as const).find((known) => known === name);
    if (algorithm === undefined) return { excluded: OTHER_PARAMETERS };
    const isOurs = group['mgfSha'] === group['sha'] && `SHA-${8 * Number(group['sLen'])}` === group['sha'];
    if (isOurs) return judgeSignature(rsa, algorithm, test, group);
    return accepts(rsa, algorithm, test, group) ? { wrong: 'accepted with other parameters' } : { excluded: OTHER_PARAMETERS };
  };
  accountForAll(t, 'rsa_pss_misc_test.json', judge, { [OTHER_PARAMETERS]: 147 });
});

/** Acceptable are old encodings, which strictness refuses. */
function judgeSignature(
  provider: SignatureProvider,
  algorithm: CertificateSignatureAlgorithm,
  test: WycheproofCase,
  group: WycheproofGroup,
): Verdict {
  return judged(test, accepts(provider, algorithm, test, group));
}

function accepts(
  provider: SignatureProvider,
  algorithm: CertificateSignatureAlgorithm,
  test: WycheproofCase,
  group: WycheproofGroup,
): boolean {
  let key: ReturnType<SignatureProvider['loadVerifyingKey']>;
  try {
    key = provider.loadVerifyingKey(bytesOf(group, 'publicKeyDer'));
  } catch (error) {
    if ((error as { reason?: string }).reason === 'key_invalid') return false;
    throw error;
  }
  return provider.verify(algorithm, key, bytesOf(test, 'msg'), bytesOf(test, 'sig'));
}

function judgeRefusedKey(provider: SignatureProvider, group: WycheproofGroup, reason: string): Verdict {
  const outcome = reasonOf(() => provider.loadVerifyingKey(bytesOf(group, 'publicKeyDer')));
  return outcome === 'key_invalid' ? { excluded: reason } : { wrong: `the key was taken, or ended with ${outcome}` };
}
