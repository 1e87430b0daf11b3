// Rekeys between the implementation and the second one: every trigger, in both roles, while data flows.
import t, { type Test } from 'tap';
import { CONFIGURED, pattern } from '../support/channel-pair.ts';
import { acceptAll } from '../support/channel-sides.ts';
import { makeIdentity } from '../support/certificates.ts';
import { oneByte, randomCut } from '../support/cuts.ts';
import { XpsError } from '../../base/errors.ts';
import { suiteOf } from '../../handshake/codepoints.ts';
import { SUITES, TwinAnswers, TwinCalls } from './mixed-pair.ts';
import { credentialOf } from './twin-pair.ts';

type Pair = TwinCalls | TwinAnswers;

function openStream(pair: Pair): void {
  if (pair instanceof TwinCalls) pair.twin.open();
  else pair.ours.channel.open(CONFIGURED);
  pair.flow();
}

function exchange(t: Test, pair: Pair, what: string): void {
  pair.ours.received = [];
  const before = pair.twinReceived.length;
  pair.twin.sendData(pattern(3000, 5));
  pair.ours.channel.sendData(pattern(3000, 6));
  pair.flow();
  t.strictSame(Buffer.from(pair.ours.receivedBytes), Buffer.from(pattern(3000, 5)), `${what}: to us`);
  t.strictSame(Buffer.from(pair.twinReceived.subarray(before)), Buffer.from(pattern(3000, 6)), `${what}: to the twin`);
}

function demandGeneration(t: Test, pair: Pair, generation: number, what: string): void {
  t.equal(pair.ours.failure, undefined, `${what}: nothing failed`);
  t.equal(pair.ours.channel.generation, generation, `${what}: our generation`);
  const seen = pair.twin.events.findLast(({ type }) => type === 'rekeyed');
  t.match(seen, { type: 'rekeyed', generation }, `${what}: the twin's generation`);
}

/** Four rekeys, begun by each side in turn, with data before, between and after. */
function rekeyFourTimes(t: Test, pair: Pair, what: string): void {
  openStream(pair);
  for (let generation = 2; generation <= 5; generation += 1) {
    exchange(t, pair, `${what}, before ${generation}`);
    pair.advance(30);
    if (generation % 2 === 0) pair.ours.channel.demandRekey();
    else if (pair instanceof TwinCalls) pair.twin.startRekey();
    else pair.twin.wishRekey();
    pair.twin.sendData(pattern(100));
    pair.ours.channel.sendData(pattern(100));
    pair.advance(30);
    demandGeneration(t, pair, generation, what);
  }
  exchange(t, pair, `${what}, at the end`);
}

t.test('every suite, begun by either side', async (t) => {
  for (const suite of SUITES) {
    const twin = { suites: [suite.id] };
    rekeyFourTimes(t, new TwinCalls({ suites: [suite] }, { twin }).start(), `twin client, ${suite.id}`);
    rekeyFourTimes(t, new TwinAnswers({ suites: [suite] }, { twin }).start(), `twin server, ${suite.id}`);
  }
});

t.test('any segments', async (t) => {
  for (const cut of [oneByte, randomCut(11, 700)]) {
    rekeyFourTimes(t, new TwinCalls({}, { cut }).start(), 'twin client');
    rekeyFourTimes(t, new TwinAnswers({}, { cut }).start(), 'twin server');
  }
});

t.test('an X-Wing share that was answered classically: rekeys are classical', async (t) => {
  const twin = { suites: [0x0201, 0x0101] };
  rekeyFourTimes(t, new TwinCalls({ suites: [suiteOf('X25519', 'AES_GCM')] }, { twin }).start(), 'twin client');
  const suites = [suiteOf('XWING', 'AES_GCM'), suiteOf('X25519', 'AES_GCM')];
  rekeyFourTimes(t, new TwinAnswers({ suites }, { twin: { suites: [0x0101] } }).start(), 'twin server');
});

t.test('a client without a certificate stays without', async (t) => {
  const server = { clientAuth: 'optional', isAnonymousAllowed: true } as const;
  rekeyFourTimes(t, new TwinCalls(server, { isTwinAnonymous: true }).start(), 'twin client');
  rekeyFourTimes(t, new TwinAnswers({ identity: undefined }, { twin: { clientAuth: 1 } }).start(), 'twin server');
});

t.test('a number of records and an age of our own limit', async (t) => {
  for (const limits of [{ messages: 5 }, { ageMs: 60_000 }, { bytes: 9000 }]) {
    const options = { rekeyLimits: limits };
    for (const pair of [new TwinCalls(options).start(), new TwinAnswers(options).start()]) {
      openStream(pair);
      for (let i = 0; i < 6; i += 1) {
        exchange(t, pair, JSON.stringify(limits));
        pair.advance(limits.ageMs === undefined ? 30 : 12_001);
      }
      pair.advance(1000);
      t.ok(pair.ours.channel.generation >= 2, `${JSON.stringify(limits)}: generation ${pair.ours.channel.generation}`);
      t.equal(pair.ours.failure, undefined);
      exchange(t, pair, 'afterwards');
    }
  }
});

t.test('on a quiet channel, with the gap that the document demands', async (t) => {
  for (const pair of [new TwinCalls().start(), new TwinAnswers().start()]) {
    for (let generation = 2; generation <= 4; generation += 1) {
      pair.ours.channel.demandRekey();
      for (let i = 0; i < 8; i += 1) pair.advance(250);
      demandGeneration(t, pair, generation, 'quiet');
    }
  }
});

t.test('a request that crosses a wish', async (t) => {
  const calls = new TwinCalls().start();
  openStream(calls);
  calls.twin.startRekey();
  calls.ours.channel.demandRekey();
  calls.ours.channel.tick();
  calls.advance(30);
  demandGeneration(t, calls, 2, 'twin client');
  exchange(t, calls, 'afterwards');

  const answers = new TwinAnswers().start();
  openStream(answers);
  answers.twin.wishRekey();
  answers.ours.channel.demandRekey();
  answers.ours.channel.tick();
  answers.advance(30);
  demandGeneration(t, answers, 2, 'twin server');
  exchange(t, answers, 'afterwards');
});

t.test('certificates that were renewed', async (t) => {
  const alice = makeIdentity('alice', 'p256');
  const bob = makeIdentity('bob', 'p384');
  const calls = new TwinCalls({ renewed: () => bob }).start();
  const answers = new TwinAnswers({ renewed: () => alice }).start();
  for (const [pair, theirs] of [[calls, alice], [answers, bob]] as const) {
    pair.twin.useCredential(credentialOf(theirs));
    openStream(pair);
    exchange(t, pair, 'before');
    pair.ours.channel.demandRekey();
    pair.advance(30);
    t.equal(pair.ours.failure, undefined);
    t.strictSame(Buffer.from(pair.ours.channel.peerCredential?.chain[0] ?? []), Buffer.from(theirs.chain[0] ?? []), 'we saw it');
    exchange(t, pair, 'afterwards');
  }
});

t.test('nobody comes back from a rekey under another name', async (t) => {
  for (const pair of [new TwinCalls().start(), new TwinAnswers().start()]) {
    pair.twin.useCredential(credentialOf(makeIdentity('somebody else')));
    pair.ours.channel.demandRekey();
    pair.advance(30);
    t.equal(pair.ours.failure?.reason, 'identity_changed');
  }
});

t.test('a certificate that is no longer accepted ends the channel', async (t) => {
  let isAccepted = true;
  const twin = { acceptPeer: () => isAccepted };
  const pairs = [new TwinCalls({}, { twin }).start(), new TwinAnswers({}, { twin }).start()];
  isAccepted = false;
  for (const pair of pairs) {
    pair.ours.channel.demandRekey();
    t.throws(() => pair.advance(1000), /^certificate_rejected$/);
    for (const piece of [pair.twin.takeOutput()]) pair.ours.channel.receive(Uint8Array.from(piece));
    t.match(pair.ours.failure, { reason: /alert|peer/ });
  }
});

t.test('the same, judged by us', async (t) => {
  const judged = { occasion: '' };
  const judge: typeof acceptAll = (evidence) => {
    judged.occasion = evidence.occasion;
    if (evidence.occasion === 'rekey') throw new XpsError('certificate_revoked');
    return acceptAll(evidence);
  };
  for (const pair of [new TwinCalls({ judge }).start(), new TwinAnswers({ judge }).start()]) {
    openStream(pair);
    if (pair instanceof TwinCalls) pair.twin.startRekey();
    else pair.twin.wishRekey();
    pair.advance(30);
    t.equal(judged.occasion, 'rekey');
    t.equal(pair.ours.failure?.reason, 'certificate_revoked');
    t.match(pair.twin.events.at(-1), { type: 'alert', code: 3 });
  }
});

t.test('closing waits for a rekey', async (t) => {
  const answers = new TwinAnswers().start();
  answers.ours.channel.demandRekey();
  answers.ours.channel.tick();
  answers.ours.channel.close();
  answers.advance(1000);
  t.equal(answers.twin.state, 'closed');
  t.ok(answers.ours.events.includes('closed'));

  const calls = new TwinCalls().start();
  calls.ours.channel.retire();
  calls.twin.startRekey();
  calls.flow();
  t.equal(calls.twin.state, 'closed');
  t.same(calls.ours.events.slice(-2), ['rekeyed 2 peer', 'closed']);
});
