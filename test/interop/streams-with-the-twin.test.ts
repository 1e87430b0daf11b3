// Streams, resets, retiring and closing between the implementation and the second one, in both roles.
import t, { type Test } from 'tap';
import { CONFIGURED, pattern } from '../support/channel-pair.ts';
import { allAtOnce, oneByte, randomCut } from '../support/cuts.ts';
import { SUITES, TwinAnswers, TwinCalls } from './mixed-pair.ts';

function demandHealthy(t: Test, pair: TwinCalls | TwinAnswers): void {
  t.equal(pair.ours.failure, undefined);
  t.same(pair.twin.events.filter(({ type }) => type === 'failure' || type === 'alert'), []);
}

function demandClosed(t: Test, pair: TwinCalls | TwinAnswers): void {
  demandHealthy(t, pair);
  t.ok(pair.ours.events.includes('closed'), 'we are closed');
  t.equal(pair.twin.state, 'closed', 'the twin is closed');
}

for (const suite of SUITES) {
  t.test(`bytes both ways in streams one after another, suite ${suite.id}`, async (t) => {
    const twin = { suites: [suite.id] };
    for (const [name, cut] of Object.entries({ allAtOnce, random: randomCut(3, 9000) })) {
      const up = pattern(150_000, 2);
      const down = pattern(70_000, 3);
      const calls = new TwinCalls({ suites: [suite] }, { twin, cut }).start();
      const answers = new TwinAnswers({ suites: [suite] }, { twin, cut }).start();
      for (let round = 1; round <= 2; round += 1) {
        calls.ours.received = [];
        calls.twin.events.length = 0;
        calls.twin.open();
        calls.twin.sendData(up);
        calls.flow();
        calls.ours.channel.sendData(down);
        calls.ours.channel.end();
        calls.flow();
        calls.twin.sendData(up);
        calls.twin.end();
        calls.flow();
        t.strictSame(Buffer.from(calls.ours.receivedBytes), Buffer.concat([up, up]), `${name}: to us`);
        t.strictSame(Buffer.from(calls.twinReceived), Buffer.from(down), `${name}: to the twin`);

        answers.ours.received = [];
        answers.twin.events.length = 0;
        answers.ours.channel.open(CONFIGURED);
        answers.ours.channel.sendData(up);
        answers.ours.channel.end();
        answers.flow();
        answers.twin.sendData(down);
        answers.flow();
        answers.twin.end();
        answers.flow();
        t.strictSame(Buffer.from(answers.ours.receivedBytes), Buffer.from(down), `${name}: to us`);
        t.strictSame(Buffer.from(answers.twinReceived), Buffer.from(up), `${name}: to the twin`);
      }
      calls.twin.close();
      calls.flow();
      demandClosed(t, calls);
      answers.ours.channel.close();
      answers.flow();
      demandClosed(t, answers);
    }
  });
}

t.test('byte by byte', async (t) => {
  const calls = new TwinCalls({}, { cut: oneByte }).start();
  calls.twin.open(1, 'db.example:5432');
  calls.twin.sendData(pattern(500));
  calls.twin.end();
  calls.flow();
  t.same(calls.ours.destination, { kind: 'named', address: 'db.example:5432' });
  t.strictSame(Buffer.from(calls.ours.receivedBytes), Buffer.from(pattern(500)));
  calls.ours.channel.end();
  calls.flow().twin.close();
  calls.flow();
  demandClosed(t, calls);

  const answers = new TwinAnswers({}, { cut: oneByte }).start();
  answers.ours.channel.open({ kind: 'original', address: '[2001:db8::1]:80' });
  answers.ours.channel.sendData(pattern(500));
  answers.flow();
  t.match(answers.twin.events.find(({ type }) => type === 'open'), { kind: 2, destination: '[2001:db8::1]:80' });
  t.strictSame(Buffer.from(answers.twinReceived), Buffer.from(pattern(500)));
  demandHealthy(t, answers);
});

t.test('data before Confirm', async (t) => {
  const answers = new TwinAnswers();
  answers.ours.onEvent = (event) => {
    if (event !== 'ready') return;
    answers.ours.channel.open(CONFIGURED);
    answers.ours.channel.sendData(pattern(60_000));
    answers.ours.channel.end();
  };
  answers.start();
  t.strictSame(Buffer.from(answers.twinReceived), Buffer.from(pattern(60_000)), 'from our client');
  t.same(answers.twinEvents.slice(0, 2), ['established', 'open'], 'only after the verdict');
  demandHealthy(t, answers);

  const calls = new TwinCalls();
  calls.ours.channel.start();
  calls.twin.start();
  calls.ours.channel.receive(calls.twin.takeOutput());
  for (const piece of calls.ours.channel.takeOutput()) calls.twin.receive(piece);
  calls.twin.open();
  calls.twin.sendData(pattern(60_000));
  calls.twin.end();
  calls.flow();
  t.strictSame(Buffer.from(calls.ours.receivedBytes), Buffer.from(pattern(60_000)), 'from the twin');
  demandHealthy(t, calls);
});

t.test('a reset by either side, and the next stream', async (t) => {
  for (const isOurs of [true, false]) {
    const calls = new TwinCalls().start();
    calls.twin.open();
    calls.twin.sendData(pattern(10));
    calls.flow();
    calls.ours.channel.sendData(pattern(10));
    if (isOurs) calls.ours.channel.reset('timed_out');
    else calls.twin.reset(3);
    calls.flow();
    t.ok(isOurs ? calls.twinEvents.includes('reset') : calls.ours.events.includes('reset timed_out'), 'the other side hears');
    calls.twin.open();
    calls.flow();
    demandHealthy(t, calls);

    const answers = new TwinAnswers().start();
    answers.ours.channel.open(CONFIGURED);
    answers.flow();
    answers.twin.sendData(pattern(10));
    if (isOurs) answers.ours.channel.reset('reset');
    else answers.twin.reset(0);
    answers.flow();
    t.equal(answers.ours.channel.canOpen, true, 'the stream is over');
    answers.ours.channel.open(CONFIGURED);
    answers.flow();
    t.match(answers.twin.events.at(-1), { type: 'open', number: 2n });
    demandHealthy(t, answers);
  }
});

t.test('a reset after our own end, and one that crosses the end of the other', async (t) => {
  const answers = new TwinAnswers().start();
  answers.ours.channel.open(CONFIGURED);
  answers.flow();
  answers.twin.end();
  answers.flow();
  answers.twin.reset(1);
  answers.ours.channel.end();
  answers.ours.channel.open(CONFIGURED);
  answers.flow();
  t.match(answers.twin.events.at(-1), { type: 'open', number: 2n }, 'the late reset harms nobody');
  demandHealthy(t, answers);

  const calls = new TwinCalls().start();
  calls.twin.open();
  calls.flow();
  calls.ours.channel.end();
  calls.flow();
  calls.twin.end();
  calls.twin.open();
  calls.ours.channel.reset('shutting_down');
  calls.flow();
  t.equal(calls.ours.events.filter((event) => event === 'open').length, 2);
  demandHealthy(t, calls);
});

t.test('retiring ends the channel after its stream', async (t) => {
  const calls = new TwinCalls().start();
  calls.twin.open();
  calls.flow();
  calls.ours.channel.retire();
  calls.flow();
  calls.twin.end();
  calls.ours.channel.end();
  calls.flow();
  demandClosed(t, calls);

  const answers = new TwinAnswers().start();
  answers.ours.channel.open(CONFIGURED);
  answers.twin.retire();
  answers.flow();
  t.match(answers.twin.events.at(-1), { type: 'open' }, 'an Open that crosses is served');
  answers.ours.channel.end();
  answers.twin.end();
  answers.flow();
  demandClosed(t, answers);
});

t.test('pings are answered, in both directions', async (t) => {
  for (const pair of [new TwinCalls().start(), new TwinAnswers().start()]) {
    pair.twin.ping(pattern(8));
    pair.flow();
    t.match(pair.twin.events.at(-1), { type: 'pong' });
    demandHealthy(t, pair);
  }
  const keepAlive = { timeouts: { keepAliveMs: 2000 } };
  for (const pair of [new TwinCalls(keepAlive).start(), new TwinAnswers(keepAlive).start()]) {
    for (let i = 0; i < 4; i += 1) pair.advance(2100);
    t.ok(pair.twinEvents.includes('ping'), 'we keep the channel alive');
    demandHealthy(t, pair);
  }
});

t.test('an alert tells that it is over', async (t) => {
  for (const pair of [new TwinCalls().start(), new TwinAnswers().start()]) {
    pair.twin.alert(6);
    pair.flow();
    t.equal(pair.ours.channel.isOver, true);
    t.match(pair.ours.failure, { reason: /alert|shutting|peer/ });
  }
});

t.test('the end of the transport without Close is a truncation', async (t) => {
  for (const pair of [new TwinCalls().start(), new TwinAnswers().start()]) {
    pair.ours.channel.transportEnded();
    t.match(pair.ours.failure, { reason: /truncat/ });
    t.throws(() => pair.twin.transportEnded(), /^truncated$/);
  }
});
