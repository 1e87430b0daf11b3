import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { application, connectTo, receiveHash, sendRandom } from '../support/applications.ts';
import { startPair } from '../support/scenario.ts';

const BYTES = 96 * 1024 * 1024;
const STALL_MS = 1500;
/** What may lie in the sidecars, their sockets and the test's: far less than all. */
const MOST_TAKEN = 40 * 1024 * 1024;

await t.test('memory stays bounded while the application does not read', async (t) => {
  const received = Promise.withResolvers<string>();
  const app = await application(t, 'tcp', (stream) => {
    stream.pause();
    void sleep(STALL_MS).then(() => {
      receiveHash(stream, BYTES).then(received.resolve, received.reject);
      stream.resume();
    });
  });
  const pair = await startPair(t, { target: app.url });
  const before = await pair.server.status();
  const stream = await connectTo(t, pair.url);
  let isSent = false;
  const sent = sendRandom(stream, BYTES).then((hash) => {
    isSent = true;
    return hash;
  });
  await sleep(STALL_MS - 200);
  t.notOk(isSent, 'the sender has to wait');
  const { counters } = await pair.client.tunnel('test');
  t.ok((counters['bytesToChannel'] as number) < MOST_TAKEN, `${counters['bytesToChannel'] as number} bytes were taken from it`);
  for (const side of [pair.client, pair.server]) {
    const { process } = await side.status();
    t.ok(process.rssBytes < before.process.rssBytes + 64 * 1024 * 1024, `resident memory ${Math.round(process.rssBytes / 1e6)} MB`);
  }
  t.equal(await received.promise, await sent, 'nothing is lost when it reads on');
});
