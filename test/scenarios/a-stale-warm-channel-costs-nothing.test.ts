import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { application, connectTo } from '../support/applications.ts';
import { makePki, startClient, startServer, type Test } from '../support/scenario.ts';

/** A network between the sidecars that can go silent, as a firewall does that has forgotten a connection. */
async function between(t: Test, target: string): Promise<{ readonly url: string; cut(): void; count(): number }> {
  const open = new Set<Socket>();
  let count = 0;
  const server = createServer((inbound) => {
    count += 1;
    const outbound = connect({ host: '127.0.0.1', port: Number(new URL(target).port) });
    for (const socket of [inbound, outbound]) {
      open.add(socket);
      socket.on('error', () => undefined);
    }
    inbound.pipe(outbound).pipe(inbound);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return {
    url: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => {
      for (const socket of open) socket.resetAndDestroy();
      open.clear();
    },
    count: () => count,
  };
}

await t.test('connections one after another use one channel', async (t) => {
  const pki = await makePki(t);
  const app = await application(t, 'tcp', (stream) => stream.pipe(stream));
  const server = await startServer(t, pki, { target: app.url });
  const client = await startClient(t, pki, server.listenUrl('test'), { target: '', clientTunnel: { pool: { warm: 0, max_idle: 4 } } });
  for (let i = 0; i < 20; i += 1) {
    const stream = await connectTo(t, client.listenUrl('test'));
    stream.end('x');
    await once(stream.resume(), 'end');
  }
  const { counters } = await client.tunnel('test');
  t.equal(counters['streamsOpened'], 20);
  t.ok((counters['channelsEstablished'] as number) <= 2, `${counters['channelsEstablished'] as number} channels`);
  t.equal((await server.tunnel('test')).counters['streamsOpened'], 20);
});

await t.test('warm channels that were cut are replaced, with a ticket instead of signatures', async (t) => {
  const pki = await makePki(t);
  const app = await application(t, 'tcp', (stream) => stream.pipe(stream));
  const server = await startServer(t, pki, { target: app.url });
  const network = await between(t, server.listenUrl('test'));
  const client = await startClient(t, pki, network.url, { target: '' });
  await client.untilTunnel('test', ({ idleChannels }) => idleChannels === 2);
  network.cut();
  const stream = await connectTo(t, client.listenUrl('test'));
  stream.write('hello');
  const [echo] = (await once(stream, 'data')) as [Buffer];
  t.equal(echo.toString(), 'hello', 'the application notices nothing');
  const { counters } = await client.untilTunnel('test', (tunnel) => (tunnel.counters['channelsResumed'] as number) > 0);
  t.ok((counters['channelsResumed'] as number) > 0, 'resumed');
});

await t.test('idle channels above the warm ones are closed', async (t) => {
  const pki = await makePki(t);
  const app = await application(t, 'tcp', (stream) => stream.pipe(stream));
  const server = await startServer(t, pki, { target: app.url });
  const client = await startClient(t, pki, server.listenUrl('test'), { target: '', clientTunnel: { pool: { warm: 1, max_idle: 10, idle: '1s' } } });
  const streams = await Promise.all(Array.from({ length: 6 }, () => connectTo(t, client.listenUrl('test'))));
  for (const stream of streams) {
    stream.end('x');
    await once(stream.resume(), 'end');
  }
  await client.untilTunnel('test', ({ channelCount }) => channelCount > 1);
  await sleep(1000);
  await client.untilTunnel('test', ({ channelCount }) => channelCount === 1);
  const { counters } = await server.untilTunnel('test', ({ channelCount }) => channelCount === 1);
  t.strictSame(counters['channelsFailed'], {}, 'in order');
});
