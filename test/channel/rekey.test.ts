import t, { type Test } from 'tap';
import { XpsError } from '../../base/errors.ts';
import { AEADS, GROUPS, suiteName, suiteOf } from '../../handshake/codepoints.ts';
import { makeIdentity } from '../support/certificates.ts';
import { acceptAll, ALICE, BOB, MALLORY, peerNamed, type Judge } from '../support/channel-sides.ts';
import { CONFIGURED, establishedPair, pattern, type PairOptions, type TestPair } from '../support/channel-pair.ts';
import { oneByte } from '../support/cuts.ts';

/** A pair with an open stream. */
function streaming(options: PairOptions = {}): TestPair {
  const pair = establishedPair(options);
  pair.client.channel.open(CONFIGURED);
  pair.flow();
  pair.server.events.length = 0;
  return pair;
}

function rekeys(pair: TestPair): { readonly client: readonly string[]; readonly server: readonly string[] } {
  const of = (events: readonly string[]): string[] => events.filter((event) => event.startsWith('rekeyed'));
  return { client: of(pair.client.events), server: of(pair.server.events) };
}

/** The channel still carries data both ways. */
function assertCarries(t: Test, pair: TestPair): void {
  const { client, server } = pair;
  client.received = [];
  server.received = [];
  client.channel.sendData(pattern(1000, 5));
  server.channel.sendData(pattern(2000, 6));
  pair.flow();
  t.same(server.receivedBytes, pattern(1000, 5));
  t.same(client.receivedBytes, pattern(2000, 6));
  t.equal(client.failure ?? server.failure, undefined);
}

for (const group of GROUPS) {
  for (const aead of AEADS) {
    t.test(`by demand of either side: ${suiteName(suiteOf(group, aead))}`, async (t) => {
      const suites = [suiteOf(group, aead)];
      const pair = streaming({ client: { suites }, server: { suites } });
      pair.client.channel.demandRekey();
      pair.advance(1000);
      pair.server.channel.demandRekey();
      pair.advance(1500);
      t.same(rekeys(pair), { client: ['rekeyed 2 demand', 'rekeyed 3 peer'], server: ['rekeyed 2 peer', 'rekeyed 3 demand'] });
      t.equal(pair.client.channel.generation, 3);
      assertCarries(t, pair);
    });
  }
}

t.test('by count, while data flow in either direction', async (t) => {
  for (const sender of ['client', 'server'] as const) {
    for (const counting of ['client', 'server'] as const) {
      const pair = streaming({ [counting]: { rekeyLimits: { messages: 100 } } });
      const [from, to] = sender === 'client' ? [pair.client, pair.server] : [pair.server, pair.client];
      for (let i = 0; i < 1000; i += 1) {
        from.channel.sendData(pattern(100, i));
        pair.nowMs += 1;
        pair.flow();
      }
      const { generation } = pair.client.channel;
      t.ok(generation >= 9 && generation <= 11, `${sender} sends, ${counting} counts: generation ${generation}`);
      t.equal(to.receivedBytes.length, 100_000);
      t.match(rekeys(pair)[counting][0], 'rekeyed 2 messages');
    }
  }
});

t.test('by bytes', async (t) => {
  const pair = streaming({ server: { rekeyLimits: { bytes: 1_000_000 } } });
  for (let i = 0; i < 25; i += 1) {
    pair.client.channel.sendData(pattern(100_000, i));
    pair.nowMs += 25;
    pair.flow();
  }
  t.equal(pair.client.channel.generation, 3);
  t.same(rekeys(pair).server, ['rekeyed 2 bytes', 'rekeyed 3 bytes']);
});

t.test('by age, with and without data', async (t) => {
  for (const hasData of [true, false]) {
    const pair = streaming({ client: { rekeyLimits: { ageMs: 60_000 } } });
    for (let minute = 0; minute < 5; minute += 1) {
      if (hasData) assertCarries(t, pair);
      pair.advance(61_000, 500);
    }
    t.equal(pair.client.channel.generation, 6);
    t.equal(rekeys(pair).client[0], 'rekeyed 2 age');
  }
});

t.test('both want it at the same moment: one rekey', async (t) => {
  const pair = streaming();
  pair.client.channel.demandRekey();
  pair.server.channel.demandRekey();
  pair.advance(3000);
  t.equal(pair.client.channel.generation, 2);
  assertCarries(t, pair);
});

t.test('data that are under way in both directions during every step arrive', async (t) => {
  const pair = streaming({ cut: oneByte });
  const { client, server } = pair;
  let sent = { client: 0, server: 0 };
  const send = (): void => {
    client.channel.sendData(pattern(700));
    server.channel.sendData(pattern(900));
    sent = { client: sent.client + 700, server: sent.server + 900 };
  };
  for (let round = 0; round < 3; round += 1) {
    client.channel.demandRekey();
    pair.nowMs += 1000;
    client.channel.tick();
    for (let step = 0; step < 8; step += 1) {
      send();
      pair.carry(step % 2 === 0 ? 'to server' : 'to client');
      send();
    }
    pair.flow();
  }
  t.equal(client.channel.generation, 4);
  t.equal(server.receivedBytes.length, sent.client);
  t.equal(client.receivedBytes.length, sent.server);
});

t.test('a stream ends and the next begins in the middle of a rekey', async (t) => {
  const pair = streaming();
  const { client, server } = pair;
  client.channel.demandRekey();
  client.channel.tick();
  client.channel.end();
  server.channel.end();
  pair.carry('to server');
  pair.carry('to client');
  client.channel.open(CONFIGURED);
  pair.flow();
  t.equal(client.channel.generation, 2);
  assertCarries(t, pair);
});

t.test('a period of one second without any data is no flood', async (t) => {
  const pair = establishedPair({ client: { rekeyLimits: { ageMs: 1000 } }, server: { rekeyLimits: { ageMs: 1000 } } });
  pair.advance(120_000, 100);
  t.equal(pair.client.failure ?? pair.server.failure, undefined);
  t.ok(pair.client.channel.generation > 100, `generation ${pair.client.channel.generation}`);
});

t.test('demands without end are no flood either', async (t) => {
  const pair = establishedPair();
  for (let i = 0; i < 2000; i += 1) {
    pair.client.channel.demandRekey();
    pair.server.channel.demandRekey();
    pair.advance(20);
  }
  t.equal(pair.client.failure ?? pair.server.failure, undefined);
  t.ok(pair.client.channel.generation > 30);
});

t.test('a count of 1000 at full speed, and even a count of 1, kill nobody', async (t) => {
  for (const messages of [1000, 1]) {
    const pair = streaming({ client: { rekeyLimits: { messages } }, server: { rekeyLimits: { messages } } });
    for (let ms = 0; ms < 300; ms += 1) {
      for (let i = 0; i < 40; i += 1) {
        pair.client.channel.sendData(pattern(10));
        pair.server.channel.sendData(pattern(10));
      }
      pair.flow();
      pair.nowMs += 1;
    }
    t.equal(pair.client.failure ?? pair.server.failure, undefined, `rekey_messages ${messages}`);
    t.ok(pair.client.channel.generation >= 11, `generation ${pair.client.channel.generation}`);
    t.equal(pair.server.receivedBytes.length, 120_000);
  }
});

t.test('streams that carry no data, one after another at full speed, with a count of 100', async (t) => {
  const pair = establishedPair({ client: { rekeyLimits: { messages: 100 } }, server: { rekeyLimits: { messages: 100 } } });
  pair.server.onEvent = (event) => {
    if (event === 'end') pair.server.channel.end();
  };
  for (let i = 0; i < 5000; i += 1) {
    pair.client.channel.open(CONFIGURED);
    pair.client.channel.end();
    pair.nowMs += 1;
    pair.flow();
  }
  t.equal(pair.client.failure ?? pair.server.failure, undefined);
  t.ok(pair.client.channel.generation >= 5);
});

t.test('renewed certificates are presented and judged', async (t) => {
  const seen: string[] = [];
  const judge: Judge = (evidence) => {
    seen.push(`${evidence.side} ${evidence.occasion}`);
    return acceptAll(evidence);
  };
  const renewedAlice = makeIdentity('alice', 'p256');
  const renewedBob = makeIdentity('bob', 'p384');
  const pair = streaming({
    client: { renewed: () => renewedAlice, judge },
    server: { renewed: () => renewedBob, judge },
  });
  pair.client.channel.demandRekey();
  pair.advance(500);
  t.same(seen, ['server handshake', 'client handshake', 'server rekey', 'client rekey']);
  t.same(pair.client.channel.peerCredential?.chain, renewedBob.chain);
  t.same(pair.server.channel.peerCredential?.chain, renewedAlice.chain);
  assertCarries(t, pair);
});

t.test('a peer that comes back as somebody else is refused', async (t) => {
  const asClient = streaming({ client: { renewed: () => MALLORY } });
  asClient.client.channel.demandRekey();
  asClient.advance(500);
  t.equal(asClient.server.failure?.reason, 'identity_changed');
  t.equal(asClient.client.failure?.reason, 'peer_alert_credential');
  const asServer = streaming({ server: { renewed: () => MALLORY } });
  asServer.client.channel.demandRekey();
  asServer.advance(500);
  t.equal(asServer.client.failure?.reason, 'identity_changed');
  t.equal(asServer.server.failure?.reason, 'peer_alert_credential');
});

t.test('a peer that is no longer accepted is cut off at the rekey', async (t) => {
  for (const victim of ['client', 'server'] as const) {
    const judge: Judge = (evidence) => {
      if (evidence.occasion === 'rekey') throw new XpsError('certificate_revoked', { detail: 'serial 2' });
      return acceptAll(evidence);
    };
    const pair = streaming({ [victim]: { judge } });
    pair.client.channel.demandRekey();
    pair.advance(500);
    const [refusing, refused] = victim === 'client' ? [pair.client, pair.server] : [pair.server, pair.client];
    t.equal(refusing.failure?.reason, 'certificate_revoked');
    t.equal(refused.failure?.reason, 'peer_alert_credential');
  }
});

t.test('an anonymous client stays anonymous', async (t) => {
  const pair = streaming({ client: { identity: undefined, renewed: () => ALICE }, server: { clientAuth: 'optional', isAnonymousAllowed: true } });
  pair.client.channel.demandRekey();
  pair.advance(500);
  t.equal(pair.client.channel.generation, 2);
  t.equal(pair.server.channel.peer?.kind, 'anonymous');
  assertCarries(t, pair);
});

t.test('verdicts that take time: the client goes on reading, the server holds the new epoch', async (t) => {
  const waiting: (() => void)[] = [];
  const slow: Judge = (evidence) =>
    evidence.occasion === 'handshake'
      ? acceptAll(evidence)
      : new Promise((resolve) => {
          waiting.push(() => resolve(peerNamed(evidence.side === 'server' ? 'bob' : 'alice', evidence.credential.chain[0] ?? BOB.chain[0] as Uint8Array)));
        });
  const pair = streaming({ client: { judge: slow }, server: { judge: slow } });
  const { client, server } = pair;
  client.channel.demandRekey();
  pair.advance(250);
  t.equal(waiting.length, 1, 'the client judges');
  server.channel.sendData(pattern(500));
  client.channel.sendData(pattern(600));
  pair.flow();
  t.equal(client.receivedBytes.length, 500);
  t.equal(server.receivedBytes.length, 600);
  waiting[0]?.();
  await pair.settle();
  t.equal(waiting.length, 2, 'the server judges');
  server.channel.sendData(pattern(500));
  client.channel.sendData(pattern(600));
  pair.flow();
  t.equal(client.receivedBytes.length, 1000, 'S sends under the old keys meanwhile');
  t.equal(server.receivedBytes.length, 600, 'nothing of the new epoch is read');
  waiting[1]?.();
  await pair.settle();
  t.equal(server.receivedBytes.length, 1200);
  t.equal(client.channel.generation, 2);
  t.equal(server.channel.generation, 2);
});

t.test('a rekey that does not finish ends the channel', async (t) => {
  const cases = [
    { name: 'the request is lost', drop: 'to server' },
    { name: 'the response is lost', drop: 'to client' },
  ] as const;
  for (const { name, drop } of cases) {
    const pair = streaming();
    pair.intercept = (direction, bytes) => (direction === drop ? [] : bytes);
    pair.client.channel.demandRekey();
    pair.advance(29_000);
    t.equal(pair.client.failure, undefined);
    pair.advance(2000);
    t.equal(pair.client.failure?.reason, 'rekey_overdue', name);
    if (drop === 'to client') t.match(pair.server.failure?.reason, /rekey_overdue|peer_alert_rekey/);
  }
});

t.test('a wish that nobody answers ends the channel when it is overdue', async (t) => {
  const pair = streaming();
  pair.intercept = (direction, bytes) => (direction === 'to client' ? [] : bytes);
  pair.server.channel.demandRekey();
  pair.advance(299_000, 1000);
  t.equal(pair.server.failure, undefined);
  t.ok(pair.server.channel.needsPeer);
  pair.advance(3000, 1000);
  t.equal(pair.server.failure?.reason, 'rekey_overdue');
});

t.test('a client that wants to close does so after the rekey', async (t) => {
  const pair = streaming();
  const { client, server } = pair;
  client.channel.end();
  server.channel.end();
  pair.flow();
  client.channel.demandRekey();
  client.channel.tick();
  client.channel.close();
  pair.flow();
  t.equal(client.channel.generation, 2);
  t.equal(client.events.at(-1), 'closed');
  t.equal(server.events.at(-1), 'closed');
});

t.test('after Retire a long stream is still rekeyed', async (t) => {
  const pair = streaming({ client: { rekeyLimits: { ageMs: 60_000 } } });
  pair.server.channel.retire();
  pair.advance(61_000, 500);
  t.equal(pair.client.channel.generation, 2);
  assertCarries(t, pair);
});
