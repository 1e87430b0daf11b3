// Every kind of handshake between the implementation and the second one, in both roles.
import t, { type Test } from 'tap';
import { toHex } from '../../base/bytes.ts';
import { crypto } from '../support/test-crypto.ts';
import { fromHex } from '../reference/bytes.ts';
import { pattern } from '../support/channel-pair.ts';
import { ALICE, BOB, demandCookies } from '../support/channel-sides.ts';
import { makeIdentity, type KeyKind } from '../support/certificates.ts';
import { allAtOnce, oneByte, randomCut } from '../support/cuts.ts';
import { SUITES, TwinAnswers, TwinCalls } from './mixed-pair.ts';
import { credentialOf } from './twin-pair.ts';

type Pair = TwinCalls | TwinAnswers;

/** Both are established and agree about everything that they know. */
function assertEstablished(t: Test, pair: Pair, what: string): void {
  const seen = pair.twin.events.find(({ type }) => type === 'established');
  const { established } = pair.ours;
  if (seen?.type !== 'established' || established === undefined) {
    t.fail(`${what}: not established`, { failure: pair.ours.failure, twin: pair.twin.state });
    return;
  }
  const context = pattern(9);
  t.same(
    { id: seen.channelId, suite: seen.suite, resumed: seen.resumed, exported: toHex(pair.twin.exportSecret('label', context, 80)) },
    {
      id: toHex(established.channelId),
      suite: established.suite.id,
      resumed: established.isResumed,
      exported: toHex(pair.ours.channel.exportSecret('label', context, 80)),
    },
    what,
  );
}

t.test('every suite, in both roles', async (t) => {
  for (const suite of SUITES) {
    const options = { suites: [suite] };
    const mixed = { twin: { suites: [suite.id] } };
    assertEstablished(t, new TwinCalls(options, mixed).start(), `twin client, suite ${suite.id}`);
    assertEstablished(t, new TwinAnswers(options, mixed).start(), `twin server, suite ${suite.id}`);
  }
});

t.test("the server's preference decides, also about an X-Wing share that is answered classically", async (t) => {
  const mixed = { twin: { suites: [0x0202, 0x0103, 0x0101] } };
  const options = { suites: SUITES.filter(({ id }) => [0x0101, 0x0103, 0x0202].includes(id)) };
  for (const pair of [new TwinCalls(options, mixed).start(), new TwinAnswers(options, mixed).start()]) {
    const expected = pair instanceof TwinAnswers ? 0x0202 : 0x0101;
    t.equal(pair.ours.established?.suite.id, expected);
    assertEstablished(t, pair, 'preference');
  }
});

t.test('every kind of key', async (t) => {
  for (const kind of ['ed25519', 'p256', 'p384', 'rsa'] satisfies KeyKind[]) {
    const identity = makeIdentity(`signs with ${kind}`, kind);
    const mixed = { twin: { credential: credentialOf(makeIdentity(`twin signs with ${kind}`, kind)) } };
    assertEstablished(t, new TwinCalls({ identity }, mixed).start(), `twin client, ${kind}`);
    assertEstablished(t, new TwinAnswers({ identity }, mixed).start(), `twin server, ${kind}`);
  }
});

t.test('anonymous clients where the server permits them', async (t) => {
  const server = { clientAuth: 'optional', isAnonymousAllowed: true } as const;
  const calls = new TwinCalls(server, { isTwinAnonymous: true }).start();
  assertEstablished(t, calls, 'twin client without a certificate');
  t.equal(calls.ours.established?.peer.kind, 'anonymous');
  assertEstablished(t, new TwinAnswers({ identity: undefined }, { twin: { clientAuth: 1 } }).start(), 'our client without a certificate');
  assertEstablished(t, new TwinAnswers({}, { twin: { clientAuth: 1 } }).start(), 'our client with a certificate, optional');
});

t.test('client_auth none makes a client anonymous', async (t) => {
  const calls = new TwinCalls({ clientAuth: 'none', isAnonymousAllowed: true }).start();
  assertEstablished(t, calls, 'twin client');
  t.equal(calls.ours.established?.peer.kind, 'anonymous');
});

t.test('client_auth required refuses a client without a certificate', async (t) => {
  const calls = new TwinCalls({}, { isTwinAnonymous: true });
  calls.start();
  t.equal(calls.ours.failure?.reason, 'client_certificate_required');
  t.match(calls.twin.events.at(-1), { type: 'failure', from: 'peer' });
  const answers = new TwinAnswers({ identity: undefined }).start();
  t.ok(answers.ours.failure, 'our client sees from the parameters that it cannot go on');
  t.match(answers.twin.events.at(-1), { type: 'failure', from: 'peer' });
});

t.test('a cookie is demanded, in both roles', async (t) => {
  assertEstablished(t, new TwinCalls({ cookies: demandCookies() }).start(), 'twin client');
  const retry = (hash: Uint8Array): Uint8Array => hash.subarray(0, 33);
  const answers = new TwinAnswers({}, { twin: { retry } }).start();
  assertEstablished(t, answers, 'twin server');
  t.same(answers.twin.log.slice(0, 3).map(({ name }) => name), ['ClientHello', 'Retry', 'ClientHello']);
});

t.test('a mesh key and a service', async (t) => {
  const meshKey = pattern(40);
  const options = { meshKey, service: 'orders' };
  const mixed = { twin: { meshKey, serviceName: 'orders' } };
  assertEstablished(t, new TwinCalls(options, mixed).start(), 'twin client');
  assertEstablished(t, new TwinAnswers(options, mixed).start(), 'twin server');
});

t.test('strangers to the mesh get silence, in both roles', async (t) => {
  const calls = new TwinCalls({ meshKey: pattern(32, 1) }, { twin: { meshKey: pattern(32, 2) } });
  calls.ours.channel.start();
  calls.twin.start();
  calls.ours.channel.receive(calls.twin.takeOutput());
  t.equal(calls.ours.channel.isOver, true);
  t.same(calls.ours.channel.takeOutput(), []);
  const answers = new TwinAnswers({ meshKey: pattern(32, 1) }, { twin: { meshKey: pattern(32, 2) } });
  t.throws(() => answers.start(), /^service_tag$/);
  t.equal(answers.twin.takeOutput().length, 0);
});

t.test('any segments', async (t) => {
  const suites = SUITES.filter(({ id }) => id === 0x0201);
  const twin = { suites: [0x0201] };
  for (const [name, cut] of Object.entries({ oneByte, allAtOnce, random: randomCut(7) })) {
    assertEstablished(t, new TwinCalls({ suites }, { twin, cut }).start(), `twin client, ${name}`);
    assertEstablished(t, new TwinAnswers({ suites }, { twin, cut }).start(), `twin server, ${name}`);
  }
});

t.test('a chain that is longer than a record', async (t) => {
  const padding = Array.from({ length: 3 }, () => pattern(8000));
  const identity = { ...ALICE, chain: [...ALICE.chain, ...padding] };
  assertEstablished(t, new TwinAnswers({ identity }).start(), 'our client');
  const twin = { credential: { ...credentialOf(BOB), chain: [...BOB.chain, ...padding] } };
  assertEstablished(t, new TwinAnswers({}, { twin }).start(), 'twin server');
});

t.test('the smaller record limit holds', async (t) => {
  const pair = new TwinAnswers({ recordLimit: 20_000 }, { twin: { recordLimit: 16_384 } }).start();
  assertEstablished(t, pair, 'limits');
  t.equal(pair.ours.established?.recordLimit, 16_384);
});

t.test('resumption with our client', async (t) => {
  const twin = { ticketStore: new Map() };
  const first = new TwinAnswers({}, { twin }).start();
  first.twin.sendTicket(60);
  first.flow();
  const kept = first.ours.tickets[0];
  const { established } = first.ours;
  if (kept === undefined || established === undefined) throw new Error('no ticket');
  const ticket = { ticket: kept.ticket, psk: kept.psk, suite: established.suite, peer: { chain: BOB.chain, staple: new Uint8Array(0) } };
  const second = new TwinAnswers({ ticket }, { twin }).start();
  assertEstablished(t, second, 'resumed');
  t.equal(second.ours.established?.isResumed, true);
  t.same(second.twin.log.filter(({ name }) => name.startsWith('Certificate')), [], 'without certificates');
});

t.test('resumption with our server', async (t) => {
  const first = new TwinCalls().start();
  const minted = first.ours.channel.mintTicket(60);
  first.flow();
  const event = first.twin.events.find(({ type }) => type === 'ticket');
  const { established } = first.ours;
  if (minted === undefined || event?.type !== 'ticket' || established === undefined) throw new Error('no ticket');
  t.equal(toHex(event.ticket.psk), toHex(minted.psk.reveal()), 'the same psk');
  const stored = { psk: minted.psk, suite: established.suite, peer: { chain: ALICE.chain, staple: new Uint8Array(0) } };
  const redeemTicket = (ticket: Uint8Array) => (crypto.equal(ticket, minted.ticket) ? stored : undefined);
  const second = new TwinCalls({ redeemTicket }, { twin: { ticket: event.ticket } }).start();
  assertEstablished(t, second, 'resumed');
  t.equal(second.ours.established?.isResumed, true);
  const third = new TwinCalls({}, { twin: { ticket: { ...event.ticket, ticket: fromHex('00'.repeat(32)) } } }).start();
  assertEstablished(t, third, 'a ticket that is unknown leads to a full handshake');
  t.equal(third.ours.established?.isResumed, false);
});
