import t from 'tap';
import { application, connectTo, endingOf, endingOfConnection, freePort, readAll } from '../support/applications.ts';
import { makePki, startClient, startPair } from '../support/scenario.ts';

await t.test('the application behind the server', async (t) => {
  const port = await freePort();
  const pair = await startPair(t, { target: `tcp://127.0.0.1:${port}` });
  const stream = await connectTo(t, pair.url);
  stream.write('x');
  t.equal(await endingOf(stream), 'reset');
  const line = await pair.server.until((entry) => entry.msg === 'target cannot be reached');
  t.match(line.detail, /nobody listens there \(ECONNREFUSED\)/);
  const { counters } = await pair.client.tunnel('test');
  t.strictSame(counters['channelsFailed'], {}, 'the channel lives on');
});

await t.test('the server sidecar itself', async (t) => {
  const pki = await makePki(t);
  const port = await freePort();
  const client = await startClient(t, pki, `tcp://127.0.0.1:${port}`, { target: '' });
  t.equal(await endingOfConnection(t, client.listenUrl('test')), 'reset');
  const line = await client.until((entry) => entry.msg === 'no channel for an application');
  t.equal(line.reason, 'dial_failed');
  t.match(line.detail, /nobody listens there/);
});

await t.test('the first of several targets', async (t) => {
  const app = await application(t, 'tcp', (stream) => stream.end('from the second'));
  const port = await freePort();
  const pair = await startPair(t, { target: app.url, serverTunnel: { connect: [`tcp://127.0.0.1:${port}`, app.url] } });
  const stream = await connectTo(t, pair.url);
  t.equal(await readAll(stream), 'from the second');
  const { targets } = await pair.server.tunnel('test');
  t.match(targets, [{ isResting: true, failures: 1 }, { isResting: false, failures: 0 }]);
});

await t.test('a name that does not resolve', async (t) => {
  const pki = await makePki(t);
  const client = await startClient(t, pki, 'tcp://does-not-exist.invalid:8443', { target: '' });
  t.equal(await endingOfConnection(t, client.listenUrl('test')), 'reset');
  const line = await client.until((entry) => entry.msg === 'no channel for an application');
  t.match(line.detail, /DNS/);
});
