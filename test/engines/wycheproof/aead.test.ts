import t from 'tap';
import { offering, withoutNative } from '../../support/engines.ts';
import { withoutVectors } from '../../support/vectors.ts';
import { accountForAll, judgeAead, OTHER_KEY_SIZE, OTHER_NONCE_SIZE, type Exclusions } from '../../support/wycheproof.ts';
import type { AeadAlgorithm } from '../../../engines/contract.ts';

const FILES: readonly { readonly algorithm: AeadAlgorithm; readonly file: string; readonly exclusions: Exclusions }[] = [
  { algorithm: 'AES_GCM', file: 'aes_gcm_test.json', exclusions: { [OTHER_KEY_SIZE]: 211, [OTHER_NONCE_SIZE]: 39 } },
  { algorithm: 'CHACHA20_POLY1305', file: 'chacha20_poly1305_test.json', exclusions: { [OTHER_NONCE_SIZE]: 9 } },
  { algorithm: 'XCHACHA20_POLY1305', file: 'xchacha20_poly1305_test.json', exclusions: { [OTHER_NONCE_SIZE]: 9 } },
];

t.test('the native engine takes part', { skip: withoutNative }, async () => {});

for (const { name, provider } of offering('aead')) {
  for (const { algorithm, file, exclusions } of FILES) {
    t.test(`${name}: ${algorithm}`, { skip: withoutVectors }, async (t) => {
      using cipher = provider.create(algorithm, new Uint8Array(32));
      t.equal(cipher.provider.split(' ')[0], name, `${cipher.provider} does the work`);
      accountForAll(t, file, judgeAead(provider, algorithm), exclusions);
    });
  }
}
