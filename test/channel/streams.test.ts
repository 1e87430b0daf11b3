import t, { type Test } from 'tap';
import { CONFIGURED, establishedPair, pattern, type TestPair, type TestSide } from '../support/channel-pair.ts';
import { randomCut } from '../support/cuts.ts';

t.test('streams one after another on one channel', async (t) => {
  const pair = establishedPair({ cut: randomCut(3) });
  const { client, server } = pair;
  for (let round = 1; round <= 20; round += 1) {
    t.ok(client.channel.canOpen);
    client.channel.open(CONFIGURED);
    client.channel.sendData(pattern(round * 500, round));
    client.channel.end();
    pair.flow();
    server.channel.sendData(pattern(round * 300, round + 1));
    server.channel.end();
    pair.flow();
    t.same(server.receivedBytes, pattern(round * 500, round));
    t.same(client.receivedBytes, pattern(round * 300, round + 1));
    t.same(server.events, ['open', 'end', 'over']);
    t.same(client.events, ['end', 'over']);
    for (const side of [client, server]) {
      side.events.length = 0;
      side.received = [];
    }
  }
  t.equal(client.channel.generation, 1);
});

t.test('a stream without a byte, and destinations of each kind', async (t) => {
  const pair = establishedPair();
  const { client, server } = pair;
  const destinations = [
    CONFIGURED,
    { kind: 'named', address: 'orders.prod.svc:8443' },
    { kind: 'original', address: '[2001:db8::1]:443' },
  ] as const;
  for (const destination of destinations) {
    client.channel.open(destination);
    pair.flow();
    t.same(server.destination, destination);
    server.channel.end();
    client.channel.end();
    pair.flow();
    t.ok(client.channel.isIdle && server.channel.isIdle);
  }
});

t.test('half-close: each direction ends by itself', async (t) => {
  for (const first of ['client', 'server'] as const) {
    const pair = openPair();
    const [early, late] = first === 'client' ? [pair.client, pair.server] : [pair.server, pair.client];
    early.channel.sendData(pattern(10));
    early.channel.end();
    pair.flow();
    t.notOk(early.channel.canSend);
    t.ok(early.channel.canReceive);
    late.channel.sendData(pattern(100_000));
    pair.flow();
    t.equal(early.receivedBytes.length, 100_000, 'the other direction goes on');
    t.notOk(early.events.includes('end'));
    late.channel.end();
    pair.flow();
    t.same(early.events.slice(-2), ['end', 'over']);
  }
});

/** How far each side may be when somebody resets. */
const STATES: readonly { readonly name: string; readonly prepare: (pair: TestPair) => void }[] = [
  { name: 'both open', prepare: () => undefined },
  { name: 'client ended', prepare: ({ client }) => client.channel.end() },
  { name: 'server ended', prepare: ({ server }) => server.channel.end() },
  { name: 'data under way both ways', prepare: ({ client, server }) => {
    client.channel.sendData(pattern(70_000));
    server.channel.sendData(pattern(70_000));
  } },
  { name: 'client ended, on its way', prepare: ({ client, server }) => {
    client.channel.end();
    server.channel.sendData(pattern(3));
  } },
];

for (const { name, prepare } of STATES) {
  for (const isSettled of [true, false]) {
    for (const who of ['client', 'server', 'both'] as const) {
      t.test(`${who} resets with ${name}${isSettled ? '' : ', before the other knows'}`, async (t) => {
        const pair = openPair();
        prepare(pair);
        if (isSettled) pair.flow();
        if (who !== 'server') pair.client.channel.reset('reset');
        if (who !== 'client') pair.server.channel.reset('unreachable');
        pair.flow();
        assertFree(t, pair);
      });
    }
  }
}

t.test('reset after the own End, while the other direction is open', async (t) => {
  const pair = openPair();
  pair.client.channel.end();
  pair.client.channel.reset('timed_out');
  pair.server.channel.sendData(pattern(100));
  pair.flow();
  t.same(pair.server.events, ['end', 'reset timed_out', 'over']);
  t.same(pair.client.received, [], 'what comes after the own Reset is thrown away');
  assertFree(t, pair);
});

t.test('a Reset that crosses the end of its stream means nothing, even if the next one is open', async (t) => {
  const pair = openPair();
  const { client, server } = pair;
  client.channel.end();
  pair.flow();
  // The server ends and then resets: its Reset arrives when the client has opened the next stream.
  client.onEvent = (event) => {
    if (event === 'over') client.channel.open(CONFIGURED);
  };
  server.channel.end();
  pair.carry('to client');
  client.onEvent = () => undefined;
  t.notOk(client.channel.isIdle, 'the next stream is open');
  pair.flow();
  t.equal(server.channel.canReceive, true);
  assertUsable(t, pair);
});

t.test('resetting twice, or when all is over, does nothing', async (t) => {
  const pair = openPair();
  pair.client.channel.reset('reset');
  pair.client.channel.reset('reset');
  pair.flow();
  pair.client.channel.reset('reset');
  pair.server.channel.reset('reset');
  assertFree(t, pair);
});

t.test('bytes that nobody wants any more are counted all the same', async (t) => {
  const pair = openPair();
  pair.server.channel.sendData(pattern(5000));
  pair.client.channel.reset('reset');
  pair.flow();
  t.same(pair.client.received, []);
  pair.client.channel.close();
  pair.flow();
  t.equal(pair.client.events.at(-1), 'closed');
  t.equal(pair.server.events.at(-1), 'closed');
});

t.test('handlers may act from within a report', async (t) => {
  const pair = establishedPair();
  const { client, server } = pair;
  let rounds = 0;
  server.onEvent = (event) => {
    if (event === 'open') server.channel.sendData(pattern(10));
    if (event === 'end') server.channel.end();
  };
  client.onEvent = (event) => {
    if (event === 'data') client.channel.end();
    if (event === 'over' && (rounds += 1) < 50) client.channel.open(CONFIGURED);
  };
  client.channel.open(CONFIGURED);
  pair.flow();
  t.equal(rounds, 50);
  t.equal(client.receivedBytes.length, 500);
  t.ok(client.channel.canOpen);
});

function openPair(): TestPair {
  const pair = establishedPair();
  pair.client.channel.open(CONFIGURED);
  pair.flow();
  pair.server.events.length = 0;
  return pair;
}

function assertFree(t: Test, pair: TestPair): void {
  for (const side of [pair.client, pair.server]) {
    t.equal(side.failure, undefined);
    t.ok(side.channel.isIdle);
    t.equal(side.events.filter((event) => event === 'over').length, 1, 'reported once');
  }
  assertUsable(t, pair);
}

/** The next stream carries its own bytes and no others. */
function assertUsable(t: Test, pair: TestPair): void {
  const { client, server } = pair;
  for (const side of [client, server]) side.received = [];
  if (client.channel.canOpen) client.channel.open(CONFIGURED);
  client.channel.sendData(pattern(33));
  pair.flow();
  server.channel.sendData(pattern(44));
  const finish = (side: TestSide): void => side.channel.end();
  finish(client);
  finish(server);
  pair.flow();
  t.same(server.receivedBytes, pattern(33));
  t.same(client.receivedBytes, pattern(44));
  client.channel.close();
  pair.flow();
  t.equal(client.events.at(-1), 'closed');
  t.equal(server.events.at(-1), 'closed');
}


