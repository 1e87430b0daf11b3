// Ten thousand connections through real sidecars, opened and closed at random, while channels and processes are disturbed:
// nothing is left behind and nothing stands still.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { application, connectTo, receiveHash, sendRandom } from '../../support/applications.ts';
import { startPair, type SidecarProcess } from '../../support/scenario.ts';

const CONNECTIONS = 10_000;
const AT_A_TIME = 64;

function descriptorsOf({ child }: SidecarProcess): number {
  return readdirSync(`/proc/${child.pid}/fd`).length;
}

function residentMiB({ child }: SidecarProcess): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024;
}

/** One connection with an end of its own: in order, half-closed, reset, without a byte, in the middle of much. */
function visit(port: number, how: number): Promise<void> {
  return new Promise((resolve) => {
    const socket: Socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const timer = setTimeout(() => socket.destroy(), 20_000);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve();
    });
    socket.on('connect', () => {
      switch (how % 6) {
        case 0:
          socket.resume().end('in order');
          break;
        case 1:
          socket.once('data', () => socket.resetAndDestroy()).write('reset after the answer');
          break;
        case 2:
          socket.resetAndDestroy();
          break;
        case 3:
          socket.destroy();
          break;
        case 4:
          socket.write(Buffer.alloc(300_000, how & 0xff));
          socket.once('data', () => socket.destroy());
          break;
        default:
          socket.on('data', () => socket.end()).write('half-close');
      }
    });
  });
}

t.test('nothing leaks, nothing wedges', async (t) => {
  const app = await application(t, 'tcp', (stream) => stream.pipe(stream));
  const pair = await startPair(t, { target: app.url });
  const port = Number(new URL(pair.url).port);
  const round = async (count: number): Promise<void> => {
    let started = 0;
    await Promise.all(Array.from({ length: AT_A_TIME }, async () => {
      while (started < count) {
        started += 1;
        await visit(port, Math.floor(Math.random() * 1e6));
      }
    }));
  };
  await round(1000);
  const settle = async (): Promise<void> => {
    await pair.client.untilTunnel('test', ({ openConnections }) => openConnections === 0);
    await pair.server.untilTunnel('test', ({ openConnections }) => openConnections === 0);
    await sleep(2000);
  };
  await settle();
  const processes = [pair.client, pair.server];
  const before = processes.map((process) => ({ descriptors: descriptorsOf(process), MiB: residentMiB(process) }));
  await round(CONNECTIONS);
  await settle();
  for (const [index, process] of processes.entries()) {
    const { descriptors, MiB } = before[index] as { readonly descriptors: number; readonly MiB: number };
    t.ok(descriptorsOf(process) <= descriptors + AT_A_TIME, `descriptors: ${descriptors} before, ${descriptorsOf(process)} after`);
    t.ok(residentMiB(process) < MiB + 40, `MiB: ${MiB.toFixed(0)} before, ${residentMiB(process).toFixed(0)} after`);
  }
  const stream = await connectTo(t, pair.url);
  const [sent, received] = await Promise.all([sendRandom(stream, 4_000_000), receiveHash(stream, 4_000_000)]);
  t.equal(received, sent, 'and it still carries');
  const { counters } = await pair.client.tunnel('test');
  t.strictSame(counters['channelsFailed'], {}, 'no channel failed');
});

t.test('a server that is killed and comes back is found again', async (t) => {
  const app = await application(t, 'tcp', (stream) => stream.pipe(stream));
  const pair = await startPair(t, { target: app.url });
  const port = Number(new URL(pair.url).port);
  const visits = Promise.all(Array.from({ length: 200 }, (_, how) => sleep(how * 5).then(() => visit(port, how))));
  await sleep(300);
  pair.server.signal('SIGKILL');
  await visits;
  await pair.client.untilTunnel('test', ({ openConnections }) => openConnections === 0);
  t.ok(descriptorsOf(pair.client) < 200, 'no connection is left behind');
  t.ok(execFileSync('ps', ['-o', 'nlwp=', '-p', String(pair.client.child.pid)]).toString().trim(), 'the client lives');
});
