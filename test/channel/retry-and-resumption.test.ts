import t from 'tap';
import type { Bytes } from '../../base/bytes.ts';
import type { XpsError } from '../../base/errors.ts';
import { Secret } from '../../base/secret.ts';
import { suiteOf } from '../../handshake/codepoints.ts';
import type { ClientTicket, ServerTicket } from '../../handshake/settings.ts';
import { demandCookies } from '../support/channel-sides.ts';
import { establishedPair, TestPair, type PairOptions } from '../support/channel-pair.ts';
import { oneByte } from '../support/cuts.ts';

t.test('a server under load has the hello repeated with a cookie, once', async (t) => {
  const pair = new TestPair({ server: { cookies: demandCookies() }, cut: oneByte });
  let hellos = 0;
  pair.intercept = (direction, bytes) => {
    if (direction === 'to server' && pair.server.established === undefined && bytes[0]?.[0] === 0x58) hellos += 1;
    return bytes;
  };
  pair.start();
  t.equal(hellos, 2);
  t.ok(pair.client.established);
  t.ok(pair.server.established);
});

t.test('a cookie of another hello, or of nobody, is refused', async (t) => {
  const honest = demandCookies();
  for (const cookies of [{ ...honest, make: () => new Uint8Array(48) }, { ...honest, isValid: () => false }]) {
    const pair = new TestPair({ server: { cookies } }).start();
    t.equal(pair.server.failure?.reason, 'cookie_invalid');
    t.equal(pair.client.failure?.reason, 'peer_refused');
  }
});

interface Kept {
  readonly client: ClientTicket;
  readonly server: ServerTicket & { readonly ticket: Bytes };
}

/** Both halves of a ticket, as their owners keep them. */
function keepTicket(options: PairOptions = {}): Kept {
  const pair = establishedPair(options);
  const minted = pair.server.channel.mintTicket(3600);
  pair.flow();
  const [got] = pair.client.tickets;
  const { established } = pair.client;
  const [serverSeen, clientSeen] = [pair.client.channel.peerCredential, pair.server.channel.peerCredential];
  if (minted === undefined || got === undefined || established === undefined || serverSeen === undefined || clientSeen === undefined) {
    throw new Error('no ticket came');
  }
  const { suite } = established;
  return {
    client: { ticket: got.ticket, psk: got.psk, suite, peer: serverSeen },
    server: { ticket: minted.ticket, psk: minted.psk, suite, peer: clientSeen },
  };
}

const redeem = (kept: Kept) => (ticket: Bytes) => (Buffer.compare(ticket, kept.server.ticket) === 0 ? kept.server : undefined);

for (const group of ['X25519', 'XWING'] as const) {
  t.test(`a ticket saves both signatures (${group})`, async (t) => {
    const suites = [suiteOf(group, 'AES_GCM')];
    const kept = keepTicket({ client: { suites }, server: { suites } });
    const sizes: number[] = [];
    const pair = new TestPair({
      client: { suites, ticket: kept.client },
      server: { suites, redeemTicket: redeem(kept) },
      cut: oneByte,
      intercept: (_, bytes) => {
        sizes.push(bytes.length);
        return bytes;
      },
    }).start();
    t.equal(pair.client.established?.isResumed, true);
    t.equal(pair.server.established?.isResumed, true);
    t.same(sizes, [1, 3, 1, 1], 'hello; hello, parameters, Finished; Finished; Confirm');
    t.equal(pair.client.channel.peer?.kind, 'authenticated');
    t.equal(pair.server.channel.peer?.kind, 'authenticated');
    t.same(pair.client.established?.peerCredential, kept.client.peer, 'who signed when the series began');
    t.notSame(pair.client.established?.channelId, undefined);
    pair.client.channel.demandRekey();
    pair.advance(1000);
    t.equal(pair.client.channel.generation, 2, 'a resumed channel can rekey, with signatures');
    t.ok(kept.client.psk.isWiped, 'a ticket is used once');
    t.ok(kept.server.psk.isWiped);
  });
}

t.test('an unknown ticket means a full handshake', async (t) => {
  const kept = keepTicket();
  const pair = new TestPair({ client: { ticket: kept.client } }).start();
  t.equal(pair.client.established?.isResumed, false);
  t.ok(kept.client.psk.isWiped);
});

t.test('a ticket of another suite means a full handshake', async (t) => {
  const kept = keepTicket();
  const suites = [suiteOf('X25519', 'CHACHA20_POLY1305'), suiteOf('X25519', 'AES_GCM')];
  const pair = new TestPair({ client: { ticket: kept.client, suites }, server: { redeemTicket: redeem(kept), suites } }).start();
  t.equal(pair.server.established?.isResumed, false);
  t.equal(pair.client.established?.isResumed, false);
});

t.test('a ticket with another key fails the binder', async (t) => {
  const kept = keepTicket();
  const pair = new TestPair({
    client: { ticket: { ...kept.client, psk: new Secret(new Uint8Array(48)) } },
    server: { redeemTicket: redeem(kept) },
  }).start();
  t.equal(pair.server.failure?.reason, 'binder_invalid');
  t.equal(pair.client.failure?.reason, 'peer_refused');
});

t.test('a peer that is no longer accepted cannot resume either', async (t) => {
  const refuse = (occasions: string[]) => ({ occasion }: { occasion: string }): never => {
    occasions.push(occasion);
    throw Object.assign(new Error('revoked'), {}) as XpsError;
  };
  const atClient: string[] = [];
  const one = keepTicket();
  const first = new TestPair({ client: { ticket: one.client, judge: refuse(atClient) }, server: { redeemTicket: redeem(one) } }).start();
  t.same(atClient, ['resumption']);
  t.ok(first.client.failure);
  t.notOk(first.server.established);
  const atServer: string[] = [];
  const other = keepTicket();
  const second = new TestPair({ client: { ticket: other.client }, server: { redeemTicket: redeem(other), judge: refuse(atServer) } }).start();
  t.same(atServer, ['resumption']);
  t.notOk(second.client.established);
});

t.test('at most eight tickets, none for the anonymous', async (t) => {
  const pair = establishedPair();
  const minted = Array.from({ length: 9 }, () => pair.server.channel.mintTicket(60) !== undefined);
  pair.flow();
  t.same(minted, [...Array.from({ length: 8 }, () => true), false]);
  t.equal(pair.client.tickets.length, 8);
  t.equal(pair.client.channel.mintTicket(60), undefined, 'a client mints none');
  t.equal(pair.client.failure, undefined);
  const anonymous = establishedPair({ client: { identity: undefined }, server: { clientAuth: 'none', isAnonymousAllowed: true } });
  t.equal(anonymous.server.channel.mintTicket(60), undefined);
});

t.test('retry and resumption together', async (t) => {
  const kept = keepTicket();
  const pair = new TestPair({ client: { ticket: kept.client }, server: { redeemTicket: redeem(kept), cookies: demandCookies() } }).start();
  t.equal(pair.client.established?.isResumed, true);
});
