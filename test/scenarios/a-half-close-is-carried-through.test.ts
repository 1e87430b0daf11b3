import type { Duplex } from 'node:stream';
import t from 'tap';
import { application, connectTo, readAll } from '../support/applications.ts';
import { startPair, temporaryFolder } from '../support/scenario.ts';

/** Answers only when it has heard everything: works if and only if the end travels alone, and the other direction lives on. */
function answerAtEnd(stream: Duplex): void {
  void readAll(stream).then((text) => stream.end(`you said ${text.length} bytes, ending in ${text.slice(-5)}`));
}

for (const kind of ['tcp', 'unix'] as const) {
  await t.test(`${kind} applications`, async (t) => {
    const app = await application(t, kind, answerAtEnd);
    const pair = await startPair(t, { target: app.url, clientListen: kind === 'tcp' ? 'tcp://127.0.0.1:0' : `unix:${temporaryFolder(t)}/a.sock` });
    for (const channel of ['a fresh or warm channel', 'a channel that was used before']) {
      const stream = await connectTo(t, pair.url);
      stream.end(`${'x'.repeat(200_000)}hello`);
      t.equal(await readAll(stream), 'you said 200005 bytes, ending in hello', channel);
    }
  });
}

await t.test('the server application ends first', async (t) => {
  const heard = Promise.withResolvers<string>();
  const app = await application(t, 'tcp', (stream) => {
    stream.end('goodbye');
    void readAll(stream).then(heard.resolve);
  });
  const pair = await startPair(t, { target: app.url });
  const stream = await connectTo(t, pair.url);
  t.equal(await readAll(stream), 'goodbye');
  stream.end('still here');
  t.equal(await heard.promise, 'still here');
  const tunnel = await pair.client.untilTunnel('test', ({ openConnections }) => openConnections === 0);
  t.equal(tunnel.counters['streamsAborted'], 0, 'an orderly end on both sides');
});
