import t from 'tap';
import { createHash } from 'node:crypto';
import type { KeyExchangeProvider } from '../../../engines/contract.ts';
import type { MlKem } from '../../../engines/key-exchange.ts';
import { opensslMlKem } from '../../../engines/openssl/key-exchange.ts';
import { portableMlKem } from '../../../engines/portable/key-exchange.ts';
import { offering } from '../../support/engines.ts';
import { withoutVectors } from '../../support/vectors.ts';
import { accountForAll, bytesOf, equal, reasonOf, type Verdict, type WycheproofCase } from '../../support/wycheproof.ts';

const ASN1 = 'keys in a form other than the raw 32 bytes that the protocol carries';

for (const { name, provider } of offering('keyExchange')) {
  t.test(`${name}: X25519`, { skip: withoutVectors }, async (t) => {
    accountForAll(t, 'x25519_test.json', (test) =>
      judgeX25519(provider, bytesOf(test, 'private'), bytesOf(test, 'public'), bytesOf(test, 'shared')),
    );
  });

  t.test(`${name}: X25519, keys in ASN.1`, { skip: withoutVectors }, async (t) => {
    const judge = (test: WycheproofCase): Verdict => {
      const seed = rawKey(test['private'] as string, '302e020100300506032b656e04220420');
      const peer = rawKey(test['public'] as string, '302a300506032b656e032100');
      if (seed === undefined || peer === undefined) return { excluded: ASN1 };
      return judgeX25519(provider, seed, peer, bytesOf(test, 'shared'));
    };
    accountForAll(t, 'x25519_asn_test.json', judge, { [ASN1]: 19 });
  });
}

/** All-zero results are refused, everything else is computed: neither twist nor encoding makes a share unacceptable. */
function judgeX25519(provider: KeyExchangeProvider, seed: Uint8Array, peer: Uint8Array, shared: Uint8Array): Verdict {
  const isZero = shared.every((byte) => byte === 0);
  for (const compute of [
    () => provider.initiate('X25519', seed).complete('X25519', peer),
    () => provider.respond('X25519', peer, seed).secret,
  ]) {
    if (isZero) {
      const reason = reasonOf(compute);
      if (reason !== 'key_share_invalid') return { wrong: `a zero secret ended with ${JSON.stringify(reason)}` };
    } else if (!equal(compute().reveal(), shared)) {
      return { wrong: 'another secret' };
    }
  }
  return 'right';
}

function rawKey(der: string, prefix: string): Uint8Array | undefined {
  return der.startsWith(prefix) && der.length === prefix.length + 64 ? Uint8Array.from(Buffer.from(der.slice(prefix.length), 'hex')) : undefined;
}

const ML_KEMS: readonly { readonly name: string; readonly mlKem: MlKem; readonly takesMessages: boolean }[] = [
  { name: 'openssl', mlKem: opensslMlKem, takesMessages: false },
  { name: 'portable', mlKem: portableMlKem, takesMessages: true },
];
const NO_MESSAGE = 'encapsulation of a given message, which node:crypto does not offer; a fresh one decapsulates to the same secret';
const EXPANDED = 'an expanded decapsulation key: the product keeps seeds only';

for (const { name, mlKem, takesMessages } of ML_KEMS) {
  t.test(`${name}: ML-KEM-768, key generation and decapsulation`, { skip: withoutVectors }, async (t) => {
    accountForAll(t, 'mlkem_768_test.json', (test) => {
      const provider = offering('keyExchange').find((one) => one.name === name)?.provider as KeyExchangeProvider;
      const ciphertext = bytesOf(test, 'c');
      if (bytesOf(test, 'seed').length !== 64) {
        const reason = reasonOf(() => mlKem.generate(bytesOf(test, 'seed')));
        return reason === '' ? { wrong: 'a seed of a wrong length was taken' } : 'right';
      }
      using key = mlKem.generate(bytesOf(test, 'seed'));
      if (ciphertext.length !== 1088) {
        // The wrong length is noticed one level higher, where the answer of the peer comes in.
        const answer = Uint8Array.from([...ciphertext, ...new Uint8Array(32).fill(9)]);
        const reason = reasonOf(() => provider.initiate('XWING').complete('XWING', answer));
        return reason === 'key_share_invalid' && test.result === 'invalid' ? 'right' : { wrong: reason };
      }
      const isRight = equal(key.encapsulationKey, bytesOf(test, 'ek')) && equal(key.decapsulate(ciphertext), bytesOf(test, 'K'));
      return isRight === (test.result === 'valid') ? 'right' : { wrong: 'another key or secret' };
    });
  });

  t.test(`${name}: ML-KEM-768, key generation`, { skip: withoutVectors }, async (t) => {
    accountForAll(t, 'mlkem_768_keygen_seed_test.json', (test) => {
      using key = mlKem.generate(bytesOf(test, 'seed'));
      return equal(key.encapsulationKey, bytesOf(test, 'ek')) ? 'right' : { wrong: 'another key' };
    });
  });

  t.test(`${name}: ML-KEM-768, encapsulation`, { skip: withoutVectors }, async (t) => {
    const provider = offering('keyExchange').find((one) => one.name === name)?.provider as KeyExchangeProvider;
    const judge = (test: WycheproofCase): Verdict => {
      const encapsulationKey = bytesOf(test, 'ek');
      if (test.result === 'invalid') {
        const share = Uint8Array.from([...encapsulationKey, ...new Uint8Array(32).fill(9)]);
        const reason = reasonOf(() => provider.respond('XWING', share));
        return reason === 'key_share_invalid' ? 'right' : { wrong: `accepted, or ended with ${reason}` };
      }
      if (!takesMessages) return { excluded: NO_MESSAGE };
      const { ciphertext, sharedSecret } = mlKem.encapsulate(encapsulationKey, bytesOf(test, 'm'));
      return equal(ciphertext, bytesOf(test, 'c')) && equal(sharedSecret, bytesOf(test, 'K')) ? 'right' : { wrong: 'another ciphertext or secret' };
    };
    accountForAll(t, 'mlkem_768_encaps_test.json', judge, takesMessages ? {} : { [NO_MESSAGE]: 133 });
  });

  t.test(`${name}: ML-KEM-768, expanded keys`, { skip: withoutVectors }, async (t) => {
    accountForAll(t, 'mlkem_768_semi_expanded_decaps_test.json', () => ({ excluded: EXPANDED }), { [EXPANDED]: 9 });
  });
}

t.test('a fresh encapsulation of either engine decapsulates to the same secret', async (t) => {
  for (const { mlKem: from } of ML_KEMS) {
    for (const { mlKem: to } of ML_KEMS) {
      using key = to.generate(createHash('sha512').update('seed').digest());
      const { ciphertext, sharedSecret } = from.encapsulate(key.encapsulationKey);
      t.same(key.decapsulate(ciphertext), sharedSecret);
    }
  }
});
