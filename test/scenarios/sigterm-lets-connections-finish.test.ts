import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { application, connectTo, endingOf, freePort, readAll } from '../support/applications.ts';
import { startPair } from '../support/scenario.ts';

for (const side of ['client', 'server'] as const) {
  await t.test(`the ${side} drains`, async (t) => {
    const app = await application(t, 'tcp', (stream) => stream.pipe(stream));
    const pair = await startPair(t, { target: app.url });
    const stream = await connectTo(t, pair.url);
    stream.write('before');
    await new Promise((resolve) => stream.once('data', resolve));

    pair[side].signal('SIGTERM');
    await pair[side].until((line) => line.msg === 'draining');
    const ready = await fetch(new URL('/readyz', pair[side].adminUrl));
    t.equal(ready.status, 503, 'not ready any more');
    t.equal(await ready.text(), 'draining\n');
    t.equal((await fetch(new URL('/livez', pair[side].adminUrl))).status, 200, 'but alive');

    stream.end('after');
    t.equal(await readAll(stream), 'after', 'the open connection goes on');
    t.equal(await pair[side].ended(), 0, 'then the process ends by itself');
    t.notOk(pair[side].log.some((line) => line.msg === 'channel failed'), 'no channel had to be cut');
    await sleep(100);
    const other = side === 'client' ? pair.server : pair.client;
    t.notOk(other.log.some((line) => line.msg === 'channel failed'), 'the other side saw an orderly close');
  });
}

await t.test('what does not finish is reset at the deadline', async (t) => {
  const app = await application(t, 'tcp', (stream) => stream.pipe(stream));
  const pair = await startPair(t, { target: app.url, serverTunnel: { timeouts: { drain: '300ms' } } });
  const stream = await connectTo(t, pair.url);
  stream.write('x');
  await new Promise((resolve) => stream.once('data', resolve));
  pair.server.signal('SIGTERM');
  t.equal(await endingOf(stream), 'reset');
  t.equal(await pair.server.ended(), 0);
  await pair.client.until((line) => line.reason === 'peer_alert_shutdown');
});

await t.test('a second signal ends at once', async (t) => {
  const app = await application(t, 'tcp', (stream) => stream.pipe(stream));
  const pair = await startPair(t, { target: app.url });
  const stream = await connectTo(t, pair.url);
  stream.write('x');
  await new Promise((resolve) => stream.once('data', resolve));
  pair.client.signal('SIGINT');
  await pair.client.until((line) => line.msg === 'draining');
  pair.client.signal('SIGINT');
  t.equal(await pair.client.ended(), 1);
});

await t.test('a listener that drains refuses connections', async (t) => {
  const app = await application(t, 'tcp', (stream) => stream.pipe(stream));
  const port = await freePort();
  const pair = await startPair(t, { target: app.url, clientListen: `tcp://127.0.0.1:${port}` });
  const stream = await connectTo(t, pair.url);
  stream.write('x');
  await new Promise((resolve) => stream.once('data', resolve));
  pair.client.signal('SIGTERM');
  await pair.client.until((line) => line.msg === 'draining');
  await t.rejects(connectTo(t, pair.url), /ECONNREFUSED/);
});
