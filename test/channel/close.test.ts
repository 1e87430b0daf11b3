import t from 'tap';
import { XpsError } from '../../base/errors.ts';
import { CONFIGURED, establishedPair, pattern, TestPair } from '../support/channel-pair.ts';

t.test('the client closes; counts of both directions are compared', async (t) => {
  const pair = establishedPair();
  const { client, server } = pair;
  for (let stream = 0; stream < 3; stream += 1) {
    client.channel.open(CONFIGURED);
    client.channel.sendData(pattern(100_000));
    client.channel.end();
    pair.flow();
    server.channel.sendData(pattern(77));
    server.channel.end();
    pair.flow();
  }
  client.channel.close();
  pair.flow();
  t.equal(client.events.at(-1), 'closed');
  t.equal(server.events.at(-1), 'closed');
  t.ok(client.channel.isOver && server.channel.isOver);
  client.channel.transportEnded();
  server.channel.transportEnded();
  t.equal(client.failure ?? server.failure, undefined, 'the end of the transport after Close is no truncation');
});

t.test('closing with an open stream waits for it', async (t) => {
  const pair = establishedPair();
  const { client, server } = pair;
  client.channel.open(CONFIGURED);
  pair.flow();
  client.channel.close();
  t.notOk(client.channel.canOpen);
  client.channel.sendData(pattern(10));
  client.channel.end();
  pair.flow();
  t.notOk(client.channel.isOver);
  server.channel.end();
  pair.flow();
  t.equal(client.events.at(-1), 'closed');
});

t.test('only the client closes', async (t) => {
  const pair = establishedPair();
  pair.server.channel.close();
  pair.flow();
  t.equal(pair.server.failure?.reason, 'internal_error');
});

t.test('Retire: no further stream, the present one goes on, then the client closes', async (t) => {
  const pair = establishedPair();
  const { client, server } = pair;
  client.channel.open(CONFIGURED);
  pair.flow();
  server.channel.retire();
  server.channel.retire();
  pair.flow();
  t.equal(client.events.filter((event) => event === 'retire').length, 1);
  t.notOk(client.channel.canOpen);
  client.channel.sendData(pattern(500));
  client.channel.end();
  server.channel.end();
  pair.flow();
  t.equal(server.receivedBytes.length, 500);
  t.equal(client.events.at(-1), 'closed');
  t.equal(server.events.at(-1), 'closed');
});

t.test('Retire of an idle channel closes it at once; an Open that crosses it is served', async (t) => {
  const idle = establishedPair();
  idle.server.channel.retire();
  idle.flow();
  t.equal(idle.client.events.at(-1), 'closed');

  const pair = establishedPair();
  pair.server.channel.retire();
  pair.client.channel.open(CONFIGURED);
  pair.flow();
  t.ok(pair.server.events.includes('open'));
  pair.client.channel.sendData(pattern(9));
  pair.client.channel.end();
  pair.server.channel.end();
  pair.flow();
  t.equal(pair.server.receivedBytes.length, 9);
  t.equal(pair.client.events.at(-1), 'closed');
});

t.test('the end of the transport without Close is a truncation, in every state', async (t) => {
  const during = new TestPair();
  during.server.channel.start();
  during.client.channel.start();
  during.client.channel.transportEnded();
  during.server.channel.transportEnded();
  t.equal(during.client.failure?.reason, 'channel_truncated');
  t.equal(during.server.failure?.reason, 'channel_truncated');

  const pair = establishedPair();
  pair.client.channel.open(CONFIGURED);
  pair.flow();
  pair.server.channel.transportEnded();
  t.equal(pair.server.failure?.reason, 'channel_truncated');

  const closing = establishedPair();
  closing.client.channel.close();
  closing.client.channel.transportEnded();
  t.equal(closing.client.failure?.reason, 'channel_truncated', 'Close was not answered');
});

t.test('a Close that is not answered in time', async (t) => {
  const pair = establishedPair();
  pair.intercept = () => [];
  pair.client.channel.close();
  pair.advance(6000);
  t.equal(pair.client.failure?.reason, 'close_timeout');
});

t.test('keepalive: a quiet peer is asked, and given up when it does not answer', async (t) => {
  const pair = establishedPair({ client: { timeouts: { keepAliveMs: 10_000 } } });
  pair.advance(60_000);
  t.equal(pair.client.failure, undefined, 'answers keep it alive');
  pair.intercept = (direction, bytes) => (direction === 'to client' ? [] : bytes);
  pair.advance(30_000);
  t.equal(pair.client.failure?.reason, 'keepalive_timeout');
  t.equal(pair.server.failure?.reason, 'peer_alert_limit');
});

t.test('keepalive of both sides, as often as may be, is no flood', async (t) => {
  const timeouts = { keepAliveMs: 1 };
  const pair = establishedPair({ client: { timeouts }, server: { timeouts } });
  pair.advance(200_000, 50);
  t.equal(pair.client.failure ?? pair.server.failure, undefined);
});

t.test('a stream whose application does not read may be silent for long', async (t) => {
  const pair = establishedPair({ client: { timeouts: { keepAliveMs: 1000 } } });
  pair.client.channel.open(CONFIGURED);
  pair.intercept = (direction, bytes) => (direction === 'to client' ? [] : bytes);
  pair.advance(60_000);
  t.equal(pair.client.failure, undefined);
});

t.test('an owner that fails a channel: one alert, one reason, nothing after it', async (t) => {
  const cases = [
    ['peer_rejected', 'peer_alert_credential'],
    ['certificate_revoked', 'peer_alert_credential'],
    ['peer_denied', 'peer_alert_credential'],
    ['shutting_down', 'peer_alert_shutdown'],
    ['idle_timeout', 'peer_alert_limit'],
    ['memory_limit', 'peer_alert_limit'],
    ['internal_error', 'peer_alert_internal'],
    ['rekey_overdue', 'peer_alert_rekey'],
    ['malformed', 'peer_alert_protocol'],
  ] as const;
  for (const [reason, told] of cases) {
    for (const who of ['client', 'server'] as const) {
      const pair = establishedPair();
      const [ending, other] = who === 'client' ? [pair.client, pair.server] : [pair.server, pair.client];
      ending.channel.fail(new XpsError(reason));
      ending.channel.fail(new XpsError('internal_error'));
      pair.flow();
      t.same(ending.events, [`failed ${reason}`]);
      t.same(other.events, [`failed ${told}`]);
      ending.channel.sendData(pattern(3));
      ending.channel.reset('reset');
      ending.channel.close();
      ending.channel.tick();
      ending.channel.receive(pattern(100));
      ending.channel.demandRekey();
      t.same(ending.channel.takeOutput(), [], 'it stays dead');
      t.equal(ending.events.length, 1);
    }
  }
});

t.test('a handler that throws ends the channel, not the process', async (t) => {
  const pair = establishedPair();
  pair.server.onEvent = (event) => {
    if (event === 'open') throw new Error('a bug of the owner');
  };
  pair.client.channel.open(CONFIGURED);
  pair.flow();
  t.equal(pair.server.failure?.reason, 'internal_error');
  t.equal(pair.client.failure?.reason, 'peer_alert_internal');
});

t.test('deadlines of the handshake', async (t) => {
  const silent = new TestPair({ intercept: () => [] });
  silent.start();
  silent.advance(3100);
  t.equal(silent.server.failure?.reason, 'handshake_timeout');
  t.equal(silent.client.failure, undefined, 'the client waits longer');
  silent.advance(7500);
  t.equal(silent.client.failure?.reason, 'handshake_timeout');

  const slow = new TestPair({ intercept: (direction, bytes) => (direction === 'to client' ? [] : bytes) });
  slow.start();
  t.ok(slow.server.channel.hasHello);
  slow.advance(9900);
  t.equal(slow.server.failure, undefined);
  slow.advance(500);
  t.equal(slow.server.failure?.reason, 'handshake_timeout');
});

t.test('disposing is silent', async (t) => {
  const pair = establishedPair();
  pair.client.channel[Symbol.dispose]();
  t.ok(pair.client.channel.isOver);
  t.same(pair.client.channel.takeOutput(), []);
  t.same(pair.client.events, []);
});
