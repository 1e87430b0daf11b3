import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import t from 'tap';
import { application, connectTo } from '../support/applications.ts';
import { makePki, startClient, startPair } from '../support/scenario.ts';
import { until } from '../support/trust.ts';

const EACH = 50;
const WITHIN_MS = 2000;

await t.test('those of the revoked peer end within two seconds, the others lose nothing', async (t) => {
  const pki = await makePki(t);
  const other = await pki.authority.issue({ name: 'other', uris: ['spiffe://test.example/other'] });
  const app = await application(t, 'tcp', (stream) => stream.pipe(stream));
  const pair = await startPair(t, { pki, target: app.url, serverTunnel: { peer: { allow: ['spiffe://test.example/*'] } } });
  const second = await startClient(t, { ...pki, client: other }, pair.server.listenUrl('test'), { target: '' });

  interface Counted {
    sent: number;
    received: number;
    endedAt: number | undefined;
  }
  let isOver = false;
  const carry = async (url: string): Promise<Counted> => {
    const stream: Duplex = await connectTo(t, url);
    const counted: Counted = { sent: 0, received: 0, endedAt: undefined };
    stream.on('data', (bytes: Buffer) => {
      counted.received += bytes.length;
      if (isOver || counted.received < counted.sent) return;
      counted.sent += 4096;
      stream.write(Buffer.alloc(4096, counted.sent));
    });
    stream.once('close', () => {
      counted.endedAt = performance.now();
    });
    counted.sent = 1;
    stream.write('x');
    await once(stream, 'data');
    return counted;
  };
  const revoked = await Promise.all(Array.from({ length: EACH }, () => carry(pair.url)));
  const honest = await Promise.all(Array.from({ length: EACH }, () => carry(second.listenUrl('test'))));

  await pki.authority.revoke('client', 'keyCompromise');
  await pki.authority.crl();
  const changed = performance.now();
  await until('every revoked channel has ended', () => revoked.every(({ endedAt }) => endedAt !== undefined), 15_000);
  const last = Math.max(...revoked.map(({ endedAt }) => (endedAt as number) - changed));
  t.ok(last < WITHIN_MS, `the last of ${EACH} ended after ${Math.round(last)} ms`);

  const before = honest.map(({ received }) => received);
  await until('the others go on', () => honest.every(({ received }, i) => received > (before[i] as number)), 15_000);
  isOver = true;
  await until('nothing is lost', () => honest.every(({ sent, received }) => sent === received), 15_000);
  t.ok(honest.every(({ endedAt }) => endedAt === undefined));
  t.notOk(second.log.some((entry) => entry.msg === 'channel failed'));
});
