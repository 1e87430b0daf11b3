// Tickets in the wrong hands, at the wrong place, or twice. What a ticket is bound to besides (certificates, trust, policy) is
// kept by its owners, and tested with them in test/sidecar.
import t from 'tap';
import { Secret } from '../../../base/secret.ts';
import { XpsError } from '../../../base/errors.ts';
import { MESSAGE, suiteOf } from '../../../handshake/codepoints.ts';
import { decodeServerHello } from '../../../handshake/messages/server-hello.ts';
import type { ServerTicket } from '../../../handshake/settings.ts';
import { ALICE, BOB, type ServerOptions } from '../../support/channel-sides.ts';
import { pattern } from '../../support/channel-pair.ts';
import { HostileClient, HostileServer } from '../../support/hostile-peer.ts';

const PSK = pattern(48);
const TICKET = pattern(32, 7);
const SUITE = suiteOf('X25519', 'AES_GCM');
const psk = (): Secret => new Secret(Uint8Array.from(PSK));
const kept = (): ServerTicket => ({ psk: psk(), suite: SUITE, peer: { chain: ALICE.chain, staple: new Uint8Array(0) } });
const offer = () => ({ extensions: new Map([[1, TICKET]]), ticketPsk: psk() });

/** Gives the ticket out once, as a store does. */
function store(): ServerOptions {
  let ticket: ServerTicket | undefined = kept();
  return {
    redeemTicket: () => {
      const taken = ticket;
      ticket = undefined;
      return taken;
    },
  };
}

t.test('a hello with a ticket, replayed: a full handshake, which needs a signature', async (t) => {
  const options = store();
  const first = new HostileClient(options);
  const hello = first.sayHello(offer());
  t.equal(decodeServerHello(first.hear(MESSAGE.serverHello).body).isResumed, true);
  const second = new HostileClient(options);
  second.plain(hello);
  t.equal(decodeServerHello(second.hear(MESSAGE.serverHello).body).isResumed, false);
  t.equal(second.victim.established, undefined);
});

t.test('replayed against a store that forgets: without the key share nothing follows', async (t) => {
  const recorded = new HostileClient({ redeemTicket: kept });
  const hello = recorded.sayHello(offer());
  const replay = new HostileClient({ redeemTicket: kept });
  replay.plain(hello);
  t.equal(decodeServerHello(replay.hear(MESSAGE.serverHello).body).isResumed, true);
  replay.advance(11_000);
  t.equal(replay.reason, 'handshake_timeout');
  t.equal(replay.victim.established, undefined);
});

t.test('the same ticket for another service or mesh key does not pass the gate', async (t) => {
  const other = new HostileClient({ ...store(), service: 'orders' });
  other.sayHello(offer());
  t.equal(other.reason, 'service_mismatch');
  const mesh = new HostileClient({ ...store(), meshKey: pattern(32) });
  mesh.sayHello(offer());
  t.equal(mesh.reason, 'service_mismatch');
});

t.test('a ticket whose owner is no longer accepted', async (t) => {
  const peer = new HostileClient({
    redeemTicket: kept,
    judge: () => {
      throw new XpsError('certificate_revoked');
    },
  });
  peer.sayHello(offer());
  peer.hearServer(psk());
  peer.leadFinished();
  t.equal(peer.reason, 'certificate_revoked');
});

t.test('certificates in a resumption are out of order', async (t) => {
  const client = new HostileClient({ redeemTicket: kept });
  client.sayHello(offer());
  client.hearServer(psk());
  client.leadCertificate();
  t.equal(client.reason, 'unexpected_message');
  const ticket = { ticket: TICKET, psk: psk(), suite: SUITE, peer: { chain: BOB.chain, staple: new Uint8Array(0) } };
  const server = new HostileServer({ ticket });
  server.sayHello({ psk: psk() });
  server.leadParameters();
  server.leadCertificate();
  t.equal(server.reason, 'unexpected_message');
});

t.test('a server that resumes under another suite than the ticket\'s', async (t) => {
  const chacha = suiteOf('X25519', 'CHACHA20_POLY1305');
  const ticket = { ticket: TICKET, psk: psk(), suite: SUITE, peer: { chain: BOB.chain, staple: new Uint8Array(0) } };
  const server = new HostileServer({ ticket, suites: [SUITE, chacha] }, { suites: [chacha] });
  server.sayHello({ psk: psk() });
  t.equal(server.reason, 'negotiation_mismatch');
});

t.test('Finished of a resumption is bound to this handshake', async (t) => {
  const first = new HostileClient({ redeemTicket: kept });
  first.sayHello(offer());
  first.hearServer(psk());
  const old = first.secrets.finished('client', first.transcript.digest());
  const second = new HostileClient({ redeemTicket: kept });
  second.sayHello(offer());
  second.hearServer(psk());
  second.leadFinished(() => old);
  t.equal(second.reason, 'finished_invalid');
});
