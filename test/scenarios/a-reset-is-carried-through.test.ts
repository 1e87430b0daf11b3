import type { Socket } from 'node:net';
import t from 'tap';
import { application, connectSocket, connectTo, endingOf } from '../support/applications.ts';
import { startPair } from '../support/scenario.ts';

await t.test('from the client application to the server application, and back', async (t) => {
  const accepted: PromiseWithResolvers<Socket>[] = [Promise.withResolvers(), Promise.withResolvers()];
  let connections = 0;
  const app = await application(t, 'tcp', (stream) => {
    stream.once('data', () => accepted[connections]?.resolve(stream as Socket));
  });
  const pair = await startPair(t, { target: app.url });

  const first = await connectSocket(t, pair.url);
  first.write('x');
  const there = await accepted[0]?.promise;
  if (there === undefined) throw new Error('not accepted');
  first.resetAndDestroy();
  t.equal(await endingOf(there), 'reset', 'RST arrives as RST');

  connections = 1;
  const second = await connectSocket(t, pair.url);
  second.write('y');
  const here = await accepted[1]?.promise;
  here?.resetAndDestroy();
  t.equal(await endingOf(second), 'reset', 'in the other direction, on the same channel');

  const tunnel = await pair.client.untilTunnel('test', ({ openConnections }) => openConnections === 0);
  t.equal(tunnel.counters['streamsAborted'], 2, 'both are counted');
  t.strictSame(tunnel.counters['channelsFailed'], {}, 'the channels live on');
});

await t.test('a channel that is lost is a reset for both applications', async (t) => {
  const accepted = Promise.withResolvers<Socket>();
  const app = await application(t, 'tcp', (stream) => {
    stream.once('data', () => accepted.resolve(stream as Socket));
  });
  const pair = await startPair(t, { target: app.url });
  const stream = await connectTo(t, pair.url);
  stream.write('x');
  const there = await accepted.promise;
  const endings = [endingOf(stream), endingOf(there)];
  pair.server.signal('SIGKILL');
  t.equal(await endings[0], 'reset', 'the client application sees no orderly end');
  await pair.client.until((line) => line.msg === 'channel failed' && line.reason === 'channel_truncated');
  t.pass('the log says why');
});
