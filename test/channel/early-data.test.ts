// docs/PROTOCOL.md §6.9: what a client may say before Confirm, and what becomes of it.
import t from 'tap';
import { XpsError } from '../../base/errors.ts';
import { acceptAll, peerNamed, ALICE, type Judge } from '../support/channel-sides.ts';
import { CONFIGURED, pattern, TestPair, type PairOptions } from '../support/channel-pair.ts';

/** The client has sent its Finished; nothing has reached the server yet. */
function early(options: PairOptions = {}): TestPair {
  const pair = new TestPair(options);
  pair.server.channel.start();
  pair.client.channel.start();
  pair.carry('to server');
  pair.carry('to client');
  if (!pair.client.events.includes('ready')) throw pair.client.failure ?? new Error('not ready');
  return pair;
}

t.test('a stream begins before the channel is established', async (t) => {
  const pair = early();
  const { client, server } = pair;
  t.ok(client.channel.canOpen);
  t.equal(client.established, undefined);
  client.channel.open(CONFIGURED);
  client.channel.sendData(pattern(1000));
  client.channel.end();
  t.equal(client.channel.unconfirmedBytes, 1000);
  pair.flow();
  t.same(server.events, ['established', 'open', 'end']);
  t.same(server.receivedBytes, pattern(1000));
  t.same(client.events, ['ready', 'established']);
  t.equal(client.channel.unconfirmedBytes, 0);
});

t.test('64 KiB at most; the rest waits for Confirm', async (t) => {
  const pair = early();
  const { client, server } = pair;
  client.channel.open(CONFIGURED);
  t.equal(client.channel.sendRoom, 65_536);
  client.channel.sendData(pattern(50_000));
  t.equal(client.channel.sendRoom, 15_536);
  client.channel.sendData(pattern(100_000, 2));
  t.equal(client.channel.sendRoom, 0);
  t.equal(client.channel.unconfirmedBytes, 65_536);
  client.channel.sendData(pattern(10, 3));
  client.channel.end();
  t.notOk(client.channel.canSend, 'its user is done, even if the peer does not know');
  pair.carry('to server');
  t.equal(server.receivedBytes.length, 65_536);
  t.notOk(server.events.includes('end'));
  pair.flow();
  t.equal(server.receivedBytes.length, 150_010);
  t.same(server.receivedBytes.subarray(150_000), pattern(10, 3));
  t.ok(server.events.includes('end'));
});

t.test('a Reset waits for Confirm and takes what waited with it', async (t) => {
  const pair = early();
  const { client, server } = pair;
  client.channel.open(CONFIGURED);
  client.channel.sendData(pattern(100_000));
  client.channel.reset('timed_out');
  t.notOk(client.channel.canSend);
  pair.flow();
  t.same(server.events, ['established', 'open', 'reset timed_out', 'over']);
  t.equal(server.receivedBytes.length, 65_536);
  t.ok(client.channel.canOpen);
});

t.test('closing at once waits for Confirm too', async (t) => {
  const pair = early();
  pair.client.channel.close();
  pair.flow();
  t.equal(pair.client.events.at(-1), 'closed');
  t.equal(pair.server.events.at(-1), 'closed');
});

t.test('a server that refuses has handed nothing to anybody', async (t) => {
  const judge: Judge = () => {
    throw new XpsError('peer_not_allowed', { detail: 'dns:alice.test' });
  };
  const pair = early({ server: { judge } });
  const { client, server } = pair;
  client.channel.open(CONFIGURED);
  client.channel.sendData(pattern(1000));
  pair.flow();
  t.same(server.events, ['failed peer_not_allowed']);
  t.same(server.received, []);
  t.equal(client.failure?.reason, 'peer_refused');
  t.equal(client.channel.unconfirmedBytes, 1000, 'reported as undelivered');
});

t.test('while a verdict takes time nothing is read', async (t) => {
  let accept: (() => void) | undefined;
  const judge: Judge = () => new Promise((resolve) => {
    accept = () => resolve(peerNamed('alice', ALICE.chain[0] as Uint8Array));
  });
  const pair = early({ server: { judge } });
  pair.client.channel.open(CONFIGURED);
  pair.client.channel.sendData(pattern(60_000));
  pair.flow();
  t.same(pair.server.events, []);
  t.ok(pair.server.channel.bufferedBytes > 60_000);
  accept?.();
  await pair.settle();
  t.same(pair.server.events, ['established', 'open']);
  t.equal(pair.server.receivedBytes.length, 60_000);
  t.ok(pair.client.established);
});

t.test('a verdict that comes after the deadline, or after the end, changes nothing', async (t) => {
  let accept: (() => void) | undefined;
  const judge: Judge = () => new Promise((resolve) => {
    accept = () => resolve(peerNamed('alice', ALICE.chain[0] as Uint8Array));
  });
  const pair = early({ server: { judge } });
  pair.flow();
  pair.advance(11_000);
  t.equal(pair.server.failure?.reason, 'handshake_timeout');
  accept?.();
  await pair.settle();
  t.same(pair.server.events, ['failed handshake_timeout']);
});

t.test('a client that gives up before Confirm says so under its new keys', async (t) => {
  let accept: (() => void) | undefined;
  const judge: Judge = (evidence) => new Promise((resolve) => {
    accept = () => resolve(acceptAll(evidence));
  });
  const pair = early({ server: { judge } });
  pair.carry('to server');
  pair.client.channel.fail(new XpsError('shutting_down'));
  pair.flow();
  accept?.();
  await pair.settle();
  t.equal(pair.server.failure?.reason, 'peer_alert_shutdown');
});
