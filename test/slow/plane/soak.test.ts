// Mixed traffic through real sidecars with fresh keys every second: every byte right, memory flat. Two minutes; half an hour with
// XPS_SOAK_MINUTES=30 XPS_TEST_TIMEOUT_S=2000 node test/run.ts test/slow/plane/soak.test.ts
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { application, connectTo, receiveHash, sendRandom } from '../../support/applications.ts';
import { startPair, type SidecarProcess } from '../../support/scenario.ts';

const MINUTES = Number(process.env['XPS_SOAK_MINUTES'] ?? 2);
const MIB = 1024 * 1024;

function residentMiB({ child }: SidecarProcess): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024;
}

t.setTimeout((MINUTES + 2) * 60_000);

t.test(`${MINUTES} minutes of mixed traffic with rekeys every second`, async (t) => {
  const app = await application(t, 'tcp', (stream) => stream.pipe(stream));
  const rekeys = { crypto: { tls: { rekey_minutes: 1 / 60 } } };
  const pair = await startPair(t, { target: app.url, both: rekeys });
  const port = Number(new URL(pair.url).port);
  const endMs = performance.now() + MINUTES * 60_000;
  const isOver = (): boolean => performance.now() > endMs;
  let wrong = 0;
  let checkedBytes = 0;
  const bulk = async (): Promise<void> => {
    const stream = await connectTo(t, pair.url);
    while (!isOver()) {
      stream.removeAllListeners('data');
      const length = 1 + Math.floor(Math.random() * 8 * MIB);
      const [sent, received] = await Promise.all([sendRandom(stream, length), receiveHash(stream, length)]);
      if (sent !== received) wrong += 1;
      checkedBytes += length;
      await sleep(Math.random() * 50);
    }
    stream.destroy();
  };
  const conversation = async (): Promise<void> => {
    const stream = await connectTo(t, pair.url);
    for (let turn = 0; !isOver(); turn += 1) {
      stream.write(`turn ${turn}`);
      const [answer] = (await once(stream, 'data')) as [Buffer];
      if (answer.toString() !== `turn ${turn}`) wrong += 1;
      await sleep(Math.random() * 100);
    }
    stream.destroy();
  };
  const visits = async (): Promise<void> => {
    while (!isOver()) {
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      socket.on('error', () => undefined);
      const text = `visit ${Math.random()}`;
      let answer = '';
      socket.on('data', (bytes: Buffer) => {
        answer += bytes.toString();
      });
      socket.end(text);
      await once(socket, 'close');
      if (answer !== text) wrong += 1;
      await sleep(Math.random() * 20);
    }
  };
  const memory: { readonly client: number; readonly server: number }[] = [];
  const watch = async (): Promise<void> => {
    while (!isOver()) {
      await sleep(5000);
      memory.push({ client: residentMiB(pair.client), server: residentMiB(pair.server) });
    }
  };
  await Promise.all([bulk(), bulk(), conversation(), conversation(), visits(), visits(), watch()]);
  t.equal(wrong, 0, `${Math.round(checkedBytes / MIB)} MiB were compared`);
  const third = Math.floor(memory.length / 3);
  for (const side of ['client', 'server'] as const) {
    const level = (part: readonly { readonly client: number; readonly server: number }[]): number => Math.max(...part.map((sample) => sample[side]));
    const [early, late] = [level(memory.slice(third, 2 * third)), level(memory.slice(2 * third))];
    t.ok(late < early * 1.15 + 10, `${side}: ${early.toFixed(0)} MiB, then ${late.toFixed(0)} MiB`);
  }
  for (const process of [pair.client, pair.server]) {
    const { counters } = await process.tunnel('test');
    t.strictSame(counters['channelsFailed'], {}, 'no channel failed');
    const count = Object.values(counters['rekeys'] as Readonly<Record<string, number>>).reduce((sum, each) => sum + each, 0);
    t.ok(count > MINUTES * 60, `${count} rekeys`);
  }
});
