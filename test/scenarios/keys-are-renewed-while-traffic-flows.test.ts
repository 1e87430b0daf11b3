import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { application, connectTo, receiveHash, sendRandom } from '../support/applications.ts';
import { startPair } from '../support/scenario.ts';

const SIZE = 160 * 1024 * 1024;

await t.test('after 1000 records', async (t) => {
  const there = Promise.withResolvers<string>();
  const app = await application(t, 'tcp', (stream) => {
    receiveHash(stream, SIZE).then(there.resolve, there.reject);
  });
  const pair = await startPair(t, { target: app.url, both: { crypto: { tls: { rekey_messages: 1000 } } } });
  const stream = await connectTo(t, pair.url);
  const sent = await sendRandom(stream, SIZE);
  t.equal(await there.promise, sent, 'no byte is lost');
  const client = await pair.client.tunnel('test');
  const server = await pair.server.tunnel('test');
  const busy = client.channels.find(({ isBusy }) => isBusy);
  // A record holds at most 64 KiB, so there were at least this many.
  const atLeast = Math.floor(SIZE / 65_536 / 1000);
  t.ok(busy !== undefined && busy.generation > atLeast, `generation ${busy?.generation ?? 0}`);
  const total = (rekeys: unknown): number => Object.values(rekeys as Record<string, number>).reduce((sum, value) => sum + value, 0);
  t.equal(total(client.counters['rekeys']), total(server.counters['rekeys']), 'both sides count the same');
  t.ok((client.counters['rekeys'] as Record<string, number>)['messages'] !== undefined, 'and the client says why');
});

await t.test('every second', async (t) => {
  const app = await application(t, 'tcp', (stream) => stream.pipe(stream));
  const pair = await startPair(t, { target: app.url, both: { crypto: { tls: { rekey_minutes: 1 / 60 } } } });
  const stream = await connectTo(t, pair.url);
  let echoed = 0;
  stream.on('data', (bytes: Buffer) => {
    echoed += bytes.length;
  });
  let sent = 0;
  const begun = performance.now();
  while (performance.now() - begun < 3300) {
    stream.write('tick');
    sent += 4;
    await sleep(10);
  }
  await sleep(100);
  t.equal(echoed, sent, 'traffic did not stop');
  for (const side of [pair.client, pair.server]) {
    const tunnel = await side.tunnel('test');
    const generation = Math.max(...tunnel.channels.map((channel) => channel.generation));
    t.ok(generation >= 3 && generation <= 6, `generation ${generation}`);
  }
  const metrics = await (await fetch(new URL('/metrics', pair.client.adminUrl))).text();
  t.match(metrics, /xpscerpto_rekeys_total\{tunnel="test",role="client",trigger="age"\} [1-9]/);
});
