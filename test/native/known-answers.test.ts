import t from 'tap';
import { AEAD_FILES, isAnswered, usableRecords } from '../support/aead-answers.ts';
import { isDoneBy, providerOf, usableKernels, withoutAddon } from '../support/native-kernels.ts';
import { withoutVectors } from '../support/vectors.ts';
import { accountForAll, judgeAead, OTHER_KEY_SIZE, OTHER_NONCE_SIZE } from '../support/wycheproof.ts';

const WYCHEPROOF = {
  AES_GCM: { file: 'aes_gcm_test.json', exclusions: { [OTHER_KEY_SIZE]: 211, [OTHER_NONCE_SIZE]: 39 } },
  CHACHA20_POLY1305: { file: 'chacha20_poly1305_test.json', exclusions: { [OTHER_NONCE_SIZE]: 9 } },
  XCHACHA20_POLY1305: { file: 'xchacha20_poly1305_test.json', exclusions: { [OTHER_NONCE_SIZE]: 9 } },
} as const;

const skip = withoutAddon === false ? withoutVectors : withoutAddon;

t.test('each operation has at least two kernels', { skip }, async (t) => {
  for (const operation of ['aes-256-gcm', 'chacha20-poly1305']) {
    t.ok(usableKernels.filter((kernel) => kernel.operation === operation).length >= 2, operation);
  }
});

for (const { name } of usableKernels) {
  const provider = providerOf(name);
  for (const file of AEAD_FILES.filter(({ algorithm }) => provider.algorithms.includes(algorithm))) {
    const { algorithm } = file;
    t.test(`${name}: ${algorithm}`, { skip }, async (t) => {
      using cipher = provider.create(algorithm, new Uint8Array(32));
      t.ok(isDoneBy(cipher, name), `${cipher.provider} does the work`);
      accountForAll(t, WYCHEPROOF[algorithm].file, judgeAead(provider, algorithm), WYCHEPROOF[algorithm].exclusions);
      t.same(usableRecords(file).filter((record) => !isAnswered(provider, algorithm, record)), [], file.file);
    });
  }
}
