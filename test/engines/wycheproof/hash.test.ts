import t from 'tap';
import type { HashAlgorithm } from '../../../engines/contract.ts';
import { offering } from '../../support/engines.ts';
import { withoutVectors } from '../../support/vectors.ts';
import { accountForAll, bytesOf, equal, reasonOf, type Verdict } from '../../support/wycheproof.ts';

const HMACS: readonly HashAlgorithm[] = ['sha256', 'sha384'];
const HKDFS: readonly HashAlgorithm[] = ['sha256', 'sha384', 'sha512'];

for (const { name, provider } of offering('hash')) {
  for (const algorithm of HMACS) {
    t.test(`${name}: HMAC ${algorithm}`, { skip: withoutVectors }, async (t) => {
      accountForAll(t, `hmac_${algorithm}_test.json`, (test, group) => {
        const tag = provider.hmac(algorithm, bytesOf(test, 'key'), bytesOf(test, 'msg')).subarray(0, Number(group['tagSize']) / 8);
        return equal(tag, bytesOf(test, 'tag')) === (test.result === 'valid') ? 'right' : { wrong: 'another tag' };
      });
    });
  }

  for (const algorithm of HKDFS) {
    t.test(`${name}: HKDF ${algorithm}`, { skip: withoutVectors }, async (t) => {
      accountForAll(t, `hkdf_${algorithm}_test.json`, (test): Verdict => {
        const derive = (): Uint8Array => {
          const prk = provider.hkdfExtract(algorithm, bytesOf(test, 'salt'), bytesOf(test, 'ikm'));
          return provider.hkdfExpand(algorithm, prk, bytesOf(test, 'info'), Number(test['size']));
        };
        if (test.result === 'invalid') {
          const reason = reasonOf(derive);
          return reason === 'internal_error' ? 'right' : { wrong: `too much was derived: ${reason}` };
        }
        return equal(derive(), bytesOf(test, 'okm')) ? 'right' : { wrong: 'another output' };
      });
    });
  }
}
