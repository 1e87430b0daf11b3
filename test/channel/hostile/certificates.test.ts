// Chains that break a rule before anybody looks at trust.
import t from 'tap';
import type { Bytes } from '../../../base/bytes.ts';
import { XpsError } from '../../../base/errors.ts';
import type { PresentedCredential } from '../../../handshake/messages/certificate.ts';
import { ALICE, BOB, MALLORY, type ServerOptions } from '../../support/channel-sides.ts';
import { pattern } from '../../support/channel-pair.ts';
import { HostileClient, HostileServer } from '../../support/hostile-peer.ts';

const NO_STAPLE: Bytes = new Uint8Array(0);

function fromClient(presented: PresentedCredential, server: ServerOptions = {}): string | undefined {
  const peer = new HostileClient(server);
  peer.sayHello();
  peer.hearServer();
  peer.leadCertificate(presented);
  return peer.reason;
}

function fromServer(presented: PresentedCredential): string | undefined {
  const peer = new HostileServer();
  peer.sayHello();
  peer.leadParameters();
  peer.leadCertificate(presented);
  return peer.reason;
}

t.test('limits of a chain', async (t) => {
  const leaf = MALLORY.chain[0] as Bytes;
  for (const present of [fromClient, fromServer]) {
    t.equal(present({ chain: [leaf, ...Array.from({ length: 5 }, () => pattern(10))], staple: NO_STAPLE }), undefined, 'six are allowed');
    t.equal(present({ chain: [leaf, ...Array.from({ length: 6 }, () => pattern(10))], staple: NO_STAPLE }), 'malformed', 'seven');
    t.equal(present({ chain: [leaf, pattern(32_768 - leaf.length - 6)], staple: NO_STAPLE }), undefined, '32 768 bytes');
    t.equal(present({ chain: [leaf, pattern(32_768 - leaf.length - 5)], staple: NO_STAPLE }), 'malformed', 'one byte more');
    t.equal(present({ chain: [leaf, NO_STAPLE], staple: NO_STAPLE }), 'malformed', 'an empty certificate');
    t.equal(present({ chain: [leaf], staple: pattern(8192) }), undefined);
    t.equal(present({ chain: [leaf], staple: pattern(8193) }), 'malformed');
    t.equal(present({ chain: [pattern(200)], staple: NO_STAPLE }), 'certificate_malformed', 'no certificate at all');
    t.equal(present({ chain: [], staple: pattern(3) }), 'malformed', 'a staple without a certificate');
  }
  t.equal(fromServer({ chain: [], staple: NO_STAPLE }), 'malformed', 'a server is never anonymous');
});

t.test('an empty chain from a client', async (t) => {
  const empty: PresentedCredential = { chain: [], staple: NO_STAPLE };
  t.equal(fromClient(empty), 'client_certificate_required');
  t.equal(fromClient(empty, { clientAuth: 'optional' }), 'client_certificate_required', 'the tunnel does not list anonymous');
  t.equal(fromClient(empty, { clientAuth: 'optional', isAnonymousAllowed: true }), undefined);
  t.equal(fromClient(empty, { clientAuth: 'required', isAnonymousAllowed: true }), 'client_certificate_required');
});

t.test('a certificate where none may be', async (t) => {
  t.equal(fromClient({ chain: ALICE.chain, staple: NO_STAPLE }, { clientAuth: 'none', isAnonymousAllowed: true }), 'unexpected_message');
});

t.test('our own certificate', async (t) => {
  t.equal(fromClient({ chain: BOB.chain, staple: NO_STAPLE }), 'own_certificate');
  t.equal(fromServer({ chain: ALICE.chain, staple: NO_STAPLE }), 'own_certificate');
});

t.test('a bad certificate is never an anonymous client, whatever client_auth says', async (t) => {
  for (const clientAuth of ['required', 'optional'] as const) {
    const peer = new HostileClient({
      clientAuth,
      isAnonymousAllowed: true,
      judge: () => {
        throw new XpsError('certificate_untrusted');
      },
    });
    peer.sayHello();
    peer.hearServer();
    peer.leadCertificate();
    peer.leadVerify();
    peer.leadFinished();
    t.equal(peer.reason, 'certificate_untrusted');
    t.equal(peer.victim.established, undefined);
  }
});

t.test('somebody else\'s chain without their key', async (t) => {
  const peer = new HostileClient();
  peer.sayHello();
  peer.hearServer();
  peer.leadCertificate({ chain: MALLORY.chain, staple: NO_STAPLE });
  peer.leadVerify();
  t.equal(peer.reason, 'signature_invalid');
});

t.test('an anonymous client that signs all the same, or a named one that does not', async (t) => {
  const anonymous = new HostileClient({ clientAuth: 'optional', isAnonymousAllowed: true });
  anonymous.sayHello();
  anonymous.hearServer();
  anonymous.leadCertificate({ chain: [], staple: NO_STAPLE });
  anonymous.leadVerify();
  t.equal(anonymous.reason, 'unexpected_message');
  const named = new HostileClient({ clientAuth: 'optional', isAnonymousAllowed: true });
  named.sayHello();
  named.hearServer();
  named.leadCertificate();
  named.leadFinished();
  t.equal(named.reason, 'unexpected_message');
});
