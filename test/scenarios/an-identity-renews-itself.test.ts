import { once } from 'node:events';
import { join, resolve } from 'node:path';
import type { Duplex } from 'node:stream';
import t from 'tap';
import { application, connectTo } from '../support/applications.ts';
import { identityOf, makePki, startPair } from '../support/scenario.ts';

const COMMAND = resolve(import.meta.dirname, '../../bin/xpscerpto');
const DAY_MS = 86_400_000;
/** How long after the certificate is made its point is reached: both sidecars are up by then, or it runs at once. */
const AHEAD_MS = 4000;

async function echo(stream: Duplex, text: string): Promise<string> {
  stream.write(text);
  const [bytes] = (await once(stream, 'data')) as [Buffer];
  return bytes.toString();
}

await t.test('a certificate is renewed by the command while traffic flows', async (t) => {
  const pki = await makePki(t, { client: { days: 2, notBeforeMs: Date.now() - 0.66 * 2 * DAY_MS + AHEAD_MS } });
  const app = await application(t, 'tcp', (stream) => stream.pipe(stream));
  const renew = { command: [COMMAND, 'pki', 'renew', 'client', '--dir', join(pki.dir, 'pki'), '--days', '30'] };
  const pair = await startPair(t, { pki, target: app.url, client: { identity: { ...identityOf(pki.client), renew } } });
  const stream = await connectTo(t, pair.url);
  let echoed = 0;
  const isRenewed = async (): Promise<boolean> => ((await pair.client.status()).identity?.notAfterMs ?? 0) > pki.client.notAfterMs + DAY_MS;
  const deadline = performance.now() + 30_000;
  while (!(await isRenewed()) && performance.now() < deadline) {
    t.equal(await echo(stream, 'x'), 'x');
    const fresh = await connectTo(t, pair.url);
    t.equal(await echo(fresh, 'y'), 'y');
    fresh.destroy();
    echoed += 1;
    await new Promise((done) => setTimeout(done, 50));
  }
  t.ok(await isRenewed(), 'the status page shows the new end');
  t.ok(echoed > 0);
  const line = await pair.client.until(({ msg }) => msg === 'the renewal command renewed the identity');
  t.equal(line['exit'], 0);
  await pair.client.untilTunnel('test', ({ channels }) => channels.length > 0 && channels.every(({ generation }) => generation > 1));
  t.equal(await echo(stream, 'still here'), 'still here', 'the open channel shows it with a rekey');
  const fresh = await connectTo(t, pair.url);
  t.equal(await echo(fresh, 'new'), 'new');
  t.notOk([...pair.client.log, ...pair.server.log].some(({ msg }) => msg === 'channel failed'));
});
