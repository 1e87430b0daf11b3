import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import t, { type Test } from 'tap';
import { application, connectSocket, freePort, receiveHash, sendRandom } from '../support/applications.ts';
import { needsPlane, PlanePair, until } from '../support/plane-pair.ts';

const MIB = 1024 * 1024;

function ended(stream: Duplex): Promise<string> {
  return new Promise((resolve) => {
    stream.once('end', () => resolve('end'));
    stream.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
    stream.resume();
  });
}

/** A pair with one channel, an application that connected and the connection that its target got. */
async function joined(t: Test, kind: 'tcp' | 'unix' = 'tcp'): Promise<{ plane: PlanePair; near: Socket; far: Socket }> {
  const target = await application(t, kind, () => undefined);
  const plane = new PlanePair(t, { target: kind === 'tcp' ? target.url.replace('//', '') : target.url });
  await plane.warm();
  const near = await connectSocket(t, `tcp://127.0.0.1:${plane.port}`);
  await until(() => target.connections.length === 1, 'the target is dialled');
  return { plane, near, far: target.connections[0] as Socket };
}

t.test('a half-close passes, and the other direction goes on', needsPlane, async (t) => {
  for (const kind of ['tcp', 'unix'] as const) {
    const { plane, near, far } = await joined(t, kind);
    near.end('question');
    const question = await new Promise<string>((resolve) => {
      let text = '';
      far.on('data', (bytes: Buffer) => {
        text += bytes.toString();
      });
      far.on('end', () => resolve(text));
    });
    t.equal(question, 'question');
    const hash = receiveHash(near, MIB);
    t.equal(await sendRandom(far, MIB), await hash);
    far.end();
    await once(near, 'close');
    await until(() => plane.count('client', 'idleChannels') === 1, 'the channel is idle');
    t.equal(plane.count('client', 'endedInOrder'), 1);
    t.equal(plane.count('server', 'endedInOrder'), 1);
    t.same(plane.failures, []);
  }
});

t.test('the server side may close first', needsPlane, async (t) => {
  const { plane, near, far } = await joined(t);
  far.end('greeting');
  const got: Buffer[] = [];
  near.on('data', (bytes: Buffer) => got.push(bytes));
  await once(near, 'end');
  t.equal(Buffer.concat(got).toString(), 'greeting');
  near.end('and back');
  let back = '';
  far.on('data', (bytes: Buffer) => {
    back += bytes.toString();
  });
  await once(far, 'end');
  t.equal(back, 'and back');
  await until(() => plane.count('client', 'idleChannels') === 1, 'the channel is idle');
  t.same(plane.failures, []);
});

for (const [name, from] of [['the application', 'near'], ['the target', 'far']] as const) {
  t.test(`a reset by ${name} is a reset at the other end, and the channel serves on`, needsPlane, async (t) => {
    const { plane, near, far } = await joined(t);
    const [one, other] = from === 'near' ? [near, far] : [far, near];
    one.write('something');
    await once(other, 'data');
    const end = ended(other);
    one.resetAndDestroy();
    t.equal(await end, 'ECONNRESET');
    await until(() => plane.count('client', 'idleChannels') === 1, 'the channel is idle');
    t.equal(plane.count('client', 'endedByReset'), 1);
    t.same(plane.failures, []);
    const again = await connectSocket(t, `tcp://127.0.0.1:${plane.port}`);
    again.end('again');
    await until(() => plane.count('server', 'opened') === 2, 'a second stream');
  });
}

t.test('a target that is down resets the application', needsPlane, async (t) => {
  const plane = new PlanePair(t, { target: `tcp:127.0.0.1:${await freePort()}` });
  await plane.warm();
  // The reset may come before Node has said that it is connected.
  const near = connect(plane.port, '127.0.0.1');
  t.equal(await ended(near), 'ECONNRESET');
  t.equal(plane.count('server', 'unreachable'), 1);
  await until(() => plane.count('client', 'idleChannels') === 1, 'the channel is idle');
  t.same(plane.failures, []);
});

t.test('the second target serves when the first is down', needsPlane, async (t) => {
  const target = await application(t, 'tcp', (stream) => stream.end('second'));
  const plane = new PlanePair(t);
  const addresses = [`tcp:127.0.0.1:${await freePort()}`, 'unix:/nowhere/at/all', target.url.replace('//', '')];
  plane.serverRoute.setTargets(addresses.map((address, tag) => ({ address, tag })));
  await plane.warm();
  const near = await connectSocket(t, `tcp://127.0.0.1:${plane.port}`);
  const [text] = (await once(near, 'data')) as [Buffer];
  t.equal(text.toString(), 'second');
});

t.test('an idle stream is reset at both ends', needsPlane, async (t) => {
  const target = await application(t, 'tcp', () => undefined);
  const plane = new PlanePair(t, { target: target.url.replace('//', ''), route: { idleMs: 300 } });
  await plane.warm();
  const near = await connectSocket(t, `tcp://127.0.0.1:${plane.port}`);
  near.write('x');
  t.equal(await ended(near), 'ECONNRESET');
  await until(() => plane.count('client', 'endedIdle') + plane.count('server', 'endedIdle') >= 1, 'counted as idle');
  await until(() => plane.count('client', 'idleChannels') === 1, 'the channel is idle');
  t.same(plane.failures, []);
});

t.test('what a slow reader has not taken when the stream is over still reaches it', needsPlane, async (t) => {
  const { plane, near, far } = await joined(t);
  near.pause();
  const sent = sendRandom(far, 3 * MIB);
  const hash = await sent;
  far.end();
  near.end();
  await once(far, 'close');
  const received = receiveHash(near, 3 * MIB);
  near.resume();
  t.equal(await received, hash);
  await until(() => plane.count('client', 'open') === 0, 'the connection is let go');
});

t.test('an application that does not read stops the sender, with bounded memory', needsPlane, async (t) => {
  const { near, far } = await joined(t);
  near.pause();
  let accepted = 0;
  const block = Buffer.alloc(256 * 1024);
  for (let blocked = 0; blocked < 20 && accepted < 256 * MIB;) {
    if (far.writableLength < 4 * MIB) {
      far.write(block);
      accepted += block.length;
      blocked = 0;
    } else {
      blocked += 1;
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
  t.ok(accepted < 64 * MIB, `${accepted / MIB} MiB were taken before the sender was stopped`);
  const total = accepted;
  let received = 0;
  near.on('data', (bytes: Buffer) => {
    received += bytes.length;
  });
  near.resume();
  await until(() => received === total, 'everything arrives when it reads again');
});

t.test('thousand short connections over a few warm channels', needsPlane, async (t) => {
  const target = await application(t, 'tcp', (stream) => {
    stream.pipe(stream);
  });
  const plane = new PlanePair(t, { target: target.url.replace('//', ''), route: { reportsOver: false } });
  for (let i = 0; i < 4; i += 1) await plane.warm();
  let right = 0;
  const visit = async (number: number): Promise<void> => {
    const near = await connectSocket(t, `tcp://127.0.0.1:${plane.port}`);
    near.end(`visit ${number}`);
    let text = '';
    near.on('data', (bytes: Buffer) => {
      text += bytes.toString();
    });
    await once(near, 'close');
    if (text === `visit ${number}`) right += 1;
  };
  const worker = async (first: number): Promise<void> => {
    for (let number = first; number < 1000; number += 8) await visit(number);
  };
  await Promise.all(Array.from({ length: 8 }, (_, first) => worker(first)));
  t.equal(right, 1000);
  t.ok(plane.waited > 0, 'some had to wait for a channel');
  await until(() => plane.count('client', 'idleChannels') === 4, 'all channels are idle again');
  t.equal(plane.count('client', 'opened'), 1000);
  t.equal(plane.count('server', 'endedInOrder'), 1000);
  t.equal(plane.count('client', 'open') + plane.count('server', 'open'), 0);
  t.same(plane.failures, []);
});
