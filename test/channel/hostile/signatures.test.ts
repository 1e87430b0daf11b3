// CertificateVerify: wrong role, key, scheme, transcript, channel, and signatures that somebody bent.
import t from 'tap';
import type { Bytes } from '../../../base/bytes.ts';
import { makeIdentity } from '../../support/certificates.ts';
import { credentialOf, MALLORY } from '../../support/channel-sides.ts';
import { pattern } from '../../support/channel-pair.ts';
import { HostileClient, HostileServer, type SignOptions } from '../../support/hostile-peer.ts';
import { crypto } from '../../support/test-crypto.ts';

type Peer = HostileClient | HostileServer;

/** As far as the hostile side's Certificate. */
function certified(side: 'client' | 'server', own: ConstructorParameters<typeof HostileClient>[1] = {}): Peer {
  if (side === 'client') {
    const peer = new HostileClient({}, own);
    peer.sayHello();
    peer.hearServer();
    peer.leadCertificate();
    return peer;
  }
  const peer = new HostileServer({}, own);
  peer.sayHello();
  peer.leadParameters();
  peer.leadCertificate();
  return peer;
}

const flip = (at: number) => (signature: Bytes): Bytes => {
  const changed = Uint8Array.from(signature);
  const index = at < 0 ? changed.length + at : at;
  changed[index] = (changed[index] as number) ^ 1;
  return changed;
};

for (const side of ['client', 'server'] as const) {
  t.test(`a ${side} that signs wrongly`, async (t) => {
    const reason = (options: SignOptions): string | undefined => {
      const peer = certified(side);
      peer.leadVerify(options);
      return peer.reason;
    };
    t.equal(reason({}), undefined, 'the right signature passes');
    for (const purpose of ['client', 'server', 'rekey-client', 'rekey-server'] as const) {
      if (purpose !== side) t.equal(reason({ purpose }), 'signature_invalid', `signed as ${purpose}`);
    }
    t.equal(reason({ transcript: pattern(48) }), 'signature_invalid', 'another transcript');
    t.equal(reason({ credential: credentialOf(crypto, MALLORY) }), 'signature_invalid', 'the key of somebody else');
    t.equal(reason({ change: flip(0) }), 'signature_invalid');
    t.equal(reason({ change: flip(-1) }), 'signature_invalid');
    t.equal(reason({ change: (signature) => signature.subarray(0, 63) }), 'signature_invalid');
    t.equal(reason({ change: (signature) => Uint8Array.of(...signature, 0) }), 'signature_invalid');
    t.equal(reason({ change: () => new Uint8Array(64) }), 'signature_invalid', 'zeros');
    t.equal(reason({ change: () => new Uint8Array(0) }), 'malformed', 'empty');
    t.equal(reason({ change: () => new Uint8Array(1025) }), 'malformed', 'too long');
    for (const scheme of [0x0403, 0x0804, 0x0000, 0x0a0a, 0x0808]) {
      t.equal(reason({ scheme }), 'negotiation_mismatch', `scheme ${scheme.toString(16)}`);
    }
  });

  t.test(`a signature of another channel of the same ${side}`, async (t) => {
    const other = certified(side);
    const { signature } = other.sign(side, other.transcript.digest());
    const peer = certified(side);
    peer.leadVerify({ change: () => signature });
    t.equal(peer.reason, 'signature_invalid');
  });

  t.test(`malleable signatures of a ${side}`, async (t) => {
    // Ed25519: s + L is the same signature to a careless verifier (RFC 8032 §8.4).
    const order = (1n << 252n) + 27742317777372353535851937790883648493n;
    const peer = certified(side);
    peer.leadVerify({ change: (signature) => {
      const bytes = Uint8Array.from(signature);
      let s = 0n;
      for (let i = 63; i >= 32; i -= 1) s = (s << 8n) | BigInt(bytes[i] as number);
      s += order;
      for (let i = 32; i < 64; i += 1, s >>= 8n) bytes[i] = Number(s & 0xffn);
      return bytes;
    } });
    t.equal(peer.reason, 'signature_invalid');
    // ECDSA: an integer with a superfluous zero is BER, not DER.
    const loose = certified(side, { identity: makeIdentity(side === 'client' ? 'alice' : 'bob', 'p256') });
    loose.leadVerify({ change: (signature) => {
      const rLength = signature[3] as number;
      return Uint8Array.of(0x30, (signature[1] as number) + 1, 2, rLength + 1, 0, ...signature.subarray(4));
    } });
    t.equal(loose.reason, 'signature_invalid');
  });
}

t.test('no scheme in common with the key of the client', async (t) => {
  const peer = new HostileServer();
  peer.sayHello();
  peer.leadParameters({ schemes: [0x0503] });
  peer.leadCertificate();
  peer.leadVerify();
  peer.leadFinished();
  t.equal(peer.reason, 'no_common_scheme');
});

t.test('the preference of the verifier decides between the schemes of an RSA key', async (t) => {
  const identity = makeIdentity('alice', 'rsa');
  const peer = new HostileClient({ schemes: ['rsa_pss_sha512', 'rsa_pss_sha256'] }, { identity });
  peer.sayHello();
  peer.hearServer();
  peer.leadCertificate();
  peer.leadVerify({ scheme: 0x0804 });
  t.equal(peer.reason, 'negotiation_mismatch', 'a weaker scheme than the first of the list');
});
