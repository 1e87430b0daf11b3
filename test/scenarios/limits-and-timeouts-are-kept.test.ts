import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import t from 'tap';
import { application, connectTo, endingOf } from '../support/applications.ts';
import { startPair } from '../support/scenario.ts';

await t.test('an idle connection is reset on both ends', async (t) => {
  const ends = Promise.withResolvers<string>();
  const app = await application(t, 'tcp', (stream) => {
    stream.write('hello');
    endingOf(stream).then(ends.resolve, ends.reject);
  });
  const pair = await startPair(t, { target: app.url, clientTunnel: { timeouts: { idle: '1s' } } });
  const stream = await connectTo(t, pair.url);
  const begun = performance.now();
  t.equal(await endingOf(stream), 'reset');
  t.ok(performance.now() - begun > 900, 'not before its time');
  t.equal(await ends.promise, 'reset');
});

await t.test('connections over the limit are turned away, and places come free', async (t) => {
  const app = await application(t, 'tcp', (stream) => stream.pipe(stream));
  const pair = await startPair(t, { target: app.url, clientTunnel: { limits: { connections: 2, connections_per_source: 2 } } });
  const first = await connectTo(t, pair.url);
  const second = await connectTo(t, pair.url);
  for (const stream of [first, second]) {
    stream.write('x');
    await once(stream, 'data');
  }
  // The reset may come before Node has said that it is connected.
  const third = connect(Number(new URL(pair.url).port), '127.0.0.1');
  t.equal(await endingOf(third), 'reset');
  const { counters } = await pair.client.tunnel('test');
  t.equal(counters['refused'], 1);
  first.end();
  await once(first.resume(), 'end');
  await pair.client.untilTunnel('test', ({ openConnections }) => openConnections === 1);
  const fourth = await connectTo(t, pair.url);
  fourth.write('y');
  await once(fourth, 'data');
  t.pass('the place of the first is free again');
});

await t.test('silent connections are dropped after the hello timeout', async (t) => {
  const app = await application(t, 'tcp', () => undefined);
  const pair = await startPair(t, { target: app.url, serverTunnel: { timeouts: { hello: '400ms' } } });
  const { hostname, port } = new URL(pair.server.listenUrl('test'));
  const socket = connect({ host: hostname, port: Number(port) });
  await once(socket, 'connect');
  await endingOf(socket, 3000);
  t.pass('closed');
});

await t.test('one source cannot keep the others out with half-open connections', async (t) => {
  const app = await application(t, 'tcp', (stream) => stream.pipe(stream));
  const pair = await startPair(t, {
    target: app.url,
    serverTunnel: { limits: { handshakes: 50, handshakes_per_source: 20 } },
    clientTunnel: { pool: { warm: 0, max_idle: 0 } },
  });
  const { hostname, port } = new URL(pair.server.listenUrl('test'));
  const silent: Socket[] = [];
  t.teardown(() => {
    for (const socket of silent) socket.destroy();
  });
  for (let i = 0; i < 200; i += 1) silent.push(connect({ host: hostname, port: Number(port) }).on('error', () => undefined));
  const { counters } = await pair.server.untilTunnel('test', ({ halfOpen, counters }) => counters['accepted'] === 200 && halfOpen <= 20, 3000);
  t.ok((counters['halfOpenDropped'] as number) >= 180, 'the oldest made room');
  const begun = performance.now();
  const stream = await connectTo(t, pair.url);
  stream.write('honest');
  await once(stream, 'data');
  t.ok(performance.now() - begun < 1000, 'an honest client of the same source is served within a second');
});
