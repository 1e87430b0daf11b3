import t from 'tap';
import type { Bytes } from '../../../base/bytes.ts';
import { Secret } from '../../../base/secret.ts';
import type { ServerTicket } from '../../../handshake/settings.ts';
import { suiteOf } from '../../../handshake/codepoints.ts';
import { encodeFinished } from '../../../handshake/messages/finished.ts';
import { ALICE, BOB } from '../../support/channel-sides.ts';
import { pattern } from '../../support/channel-pair.ts';
import { HostileClient, HostileServer } from '../../support/hostile-peer.ts';

/** As far as the hostile side's signature. */
function signed(side: 'client' | 'server'): HostileClient | HostileServer {
  if (side === 'client') {
    const peer = new HostileClient();
    peer.sayHello();
    peer.hearServer();
    peer.leadCertificate();
    peer.leadVerify();
    return peer;
  }
  const peer = new HostileServer();
  peer.sayHello();
  peer.leadParameters();
  peer.leadCertificate();
  peer.leadVerify();
  return peer;
}

for (const side of ['client', 'server'] as const) {
  t.test(`Finished of a ${side}: each byte counts`, async (t) => {
    for (let at = 0; at < 48; at += 1) {
      const peer = signed(side);
      peer.leadFinished((verifyData) => {
        verifyData[at] = (verifyData[at] as number) ^ 1;
        return verifyData;
      });
      if (peer.reason !== 'finished_invalid') t.fail(`byte ${at}: ${peer.reason}`);
    }
    t.pass('48 bytes');
  });

  t.test(`Finished of a ${side}: of the other side, of another channel, of the wrong length`, async (t) => {
    const other = side === 'client' ? 'server' : 'client';
    const mirrored = signed(side);
    mirrored.say(encodeFinished(mirrored.secrets.finished(other, mirrored.transcript.digest())));
    t.equal(mirrored.reason, 'finished_invalid');
    const previous = signed(side);
    const verifyData = previous.secrets.finished(side, previous.transcript.digest());
    const replayed = signed(side);
    replayed.say(encodeFinished(verifyData));
    t.equal(replayed.reason, 'finished_invalid');
    for (const [length, reason] of [[0, 'malformed'], [47, 'malformed'], [49, 'malformed']] as const) {
      const peer = signed(side);
      peer.say(encodeFinished(new Uint8Array(length)));
      t.equal(peer.reason, reason, `${length} bytes`);
    }
  });
}

t.test('the server\'s own Finished sent back', async (t) => {
  const peer = new HostileClient({ clientAuth: 'none', isAnonymousAllowed: true });
  peer.sayHello();
  peer.hearServer();
  peer.leadCertificate({ chain: [], staple: new Uint8Array(0) });
  peer.leadFinished(() => peer.secrets.finished('server', peer.transcript.digest()));
  t.equal(peer.reason, 'finished_invalid');
});

const PSK = pattern(48);
const TICKET = pattern(32, 7);
const SUITE = suiteOf('X25519', 'AES_GCM');
const ticketOf = (peer: typeof ALICE): ServerTicket => ({ psk: new Secret(Uint8Array.from(PSK)), suite: SUITE, peer: { chain: peer.chain, staple: new Uint8Array(0) } });

t.test('binder: each byte counts', async (t) => {
  for (let at = 0; at < 48; at += 1) {
    const peer = new HostileClient({ redeemTicket: () => ticketOf(ALICE) });
    peer.sayHello({
      extensions: new Map([[1, TICKET]]),
      macs: { binder: (input: Bytes) => {
        const binder = peer.early.pre(new Secret(Uint8Array.from(PSK))).binder(input);
        binder[at] = (binder[at] as number) ^ 1;
        return binder;
      } },
    });
    if (peer.reason !== 'binder_invalid') t.fail(`byte ${at}: ${peer.reason}`);
  }
  t.pass('48 bytes');
});

t.test('a resumption whose Finished does not contain the psk', async (t) => {
  const right = new HostileClient({ redeemTicket: () => ticketOf(ALICE) });
  right.sayHello({ extensions: new Map([[1, TICKET]]), ticketPsk: new Secret(Uint8Array.from(PSK)) });
  right.hearServer(new Secret(Uint8Array.from(PSK)));
  right.leadFinished();
  t.ok(right.victim.established, 'the right psk resumes');
  t.equal(right.victim.established?.isResumed, true);
  const peer = new HostileClient({ redeemTicket: () => ticketOf(ALICE) });
  peer.sayHello({ extensions: new Map([[1, TICKET]]), ticketPsk: new Secret(Uint8Array.from(PSK)) });
  t.throws(() => peer.hearServer(new Secret(new Uint8Array(48))), 'without it not even the parameters can be read');
});

t.test('a server that claims to resume without knowing the psk', async (t) => {
  const client = { ticket: { ticket: TICKET, psk: new Secret(Uint8Array.from(PSK)), suite: SUITE, peer: { chain: BOB.chain, staple: new Uint8Array(0) } } };
  const peer = new HostileServer(client);
  peer.sayHello({ psk: new Secret(pattern(48, 9)) });
  peer.leadParameters();
  t.equal(peer.reason, 'record_forged');
});
