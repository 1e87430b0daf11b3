// What TypeScript decides while the plane moves the bytes: fresh keys, closing, retiring, cutting off.
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { XpsError } from '../../base/errors.ts';
import { AEADS, suiteOf } from '../../handshake/codepoints.ts';
import { application, connectSocket, endingOf, receiveHash, sendRandom } from '../support/applications.ts';
import { acceptAll } from '../support/channel-sides.ts';
import { needsPlane, PlanePair, until, type CarriedPair, type PlanePairOptions } from '../support/plane-pair.ts';

const MIB = 1024 * 1024;

interface Joined {
  readonly plane: PlanePair;
  readonly carried: CarriedPair;
  readonly near: Socket;
  readonly far: Socket;
}

async function joined(t: Test, options: PlanePairOptions = {}): Promise<Joined> {
  const target = await application(t, 'tcp', () => undefined);
  const plane = new PlanePair(t, { target: target.url.replace('//', ''), ...options });
  const carried = await plane.warm();
  const near = await connectSocket(t, `tcp://127.0.0.1:${plane.port}`);
  await until(() => target.connections.length === 1, 'the target is dialled');
  return { plane, carried, near, far: target.connections[0] as Socket };
}

for (const aead of AEADS) {
  t.test(`keys change by count while bytes flow both ways: ${aead}`, needsPlane, async (t) => {
    const suites = [suiteOf('X25519', aead)];
    const { plane, carried, near, far } = await joined(t, { client: { suites, rekeyLimits: { messages: 100 } }, server: { suites } });
    const hashes = [receiveHash(far, 64 * MIB), receiveHash(near, 64 * MIB)];
    const sent = await Promise.all([sendRandom(near, 64 * MIB), sendRandom(far, 64 * MIB)]);
    t.same(await Promise.all(hashes), sent);
    const { client, server } = carried.pair;
    t.ok(client.channel.generation >= 2, `generation ${client.channel.generation}`);
    await until(() => client.channel.generation === server.channel.generation, 'both sides agree');
    t.match(client.events.find((event) => event.startsWith('rekeyed')), 'rekeyed 2 messages');
    t.same(plane.failures, []);
  });
}

t.test('the server wishes for fresh keys by bytes and by age', needsPlane, async (t) => {
  for (const rekeyLimits of [{ bytes: 4 * MIB }, { ageMs: 100 }]) {
    const { plane, carried, near, far } = await joined(t, { server: { rekeyLimits } });
    const hash = receiveHash(far, 8 * MIB);
    t.equal(await sendRandom(near, 8 * MIB), await hash);
    await until(() => carried.pair.server.channel.generation >= 2, 'a rekey');
    t.same(plane.failures, []);
    far.removeAllListeners('data');
    near.write('on it goes');
    await once(far, 'data');
  }
});

t.test('a verdict that takes its time holds nothing but the new keys', needsPlane, async (t) => {
  const judge: typeof acceptAll = async (evidence) => {
    if (evidence.occasion === 'rekey') await sleep(100);
    return await acceptAll(evidence);
  };
  const { plane, carried, near, far } = await joined(t, { client: { rekeyLimits: { messages: 50 }, judge: handshakeNow(judge) }, server: { judge: handshakeNow(judge) } });
  const hashes = [receiveHash(far, 16 * MIB), receiveHash(near, 16 * MIB)];
  const sent = await Promise.all([sendRandom(near, 16 * MIB), sendRandom(far, 16 * MIB)]);
  t.same(await Promise.all(hashes), sent);
  await until(() => carried.pair.client.channel.generation >= 2, 'a rekey');
  t.same(plane.failures, []);
});

/** The pair of a test is established in one turn: only rekeys may wait. */
function handshakeNow(judge: typeof acceptAll): typeof acceptAll {
  return (evidence) => (evidence.occasion === 'rekey' ? judge(evidence) : acceptAll(evidence));
}

t.test('a rekey is finished although the application does not read', needsPlane, async (t) => {
  const { plane, carried, near, far } = await joined(t);
  far.pause();
  const block = Buffer.alloc(MIB, 7);
  for (let i = 0; i < 4; i += 1) near.write(block);
  await sleep(100);
  carried.pair.server.channel.demandRekey();
  await until(() => carried.pair.client.channel.generation === 2, 'a rekey');
  t.same(plane.failures, []);
  let received = 0;
  far.on('data', (bytes: Buffer) => {
    received += bytes.length;
  });
  far.resume();
  await until(() => received === 4 * MIB, 'all bytes');
});

t.test('a rekey whose verdict is no ends the channel at both ends', needsPlane, async (t) => {
  const refuse: typeof acceptAll = (evidence) => {
    if (evidence.occasion === 'rekey') throw new XpsError('certificate_revoked');
    return acceptAll(evidence);
  };
  const { carried, near, far } = await joined(t, { server: { judge: refuse } });
  near.write('x');
  await once(far, 'data');
  const endings = [endingOf(near), endingOf(far)];
  carried.pair.client.channel.demandRekey();
  t.same(await Promise.all(endings), ['reset', 'reset']);
  t.equal(carried.pair.server.failure?.reason, 'certificate_revoked');
  await until(() => carried.pair.client.failure !== undefined, 'the client hears of it');
  t.equal(carried.pair.client.failure?.reason, 'peer_alert_credential');
});

t.test('a channel is cut off at once, in the middle of a stream', needsPlane, async (t) => {
  const { carried, near, far } = await joined(t);
  near.write('x');
  await once(far, 'data');
  const endings = [endingOf(near), endingOf(far)];
  carried.pair.client.channel.fail(new XpsError('peer_rejected'));
  t.same(await Promise.all(endings), ['reset', 'reset']);
  await until(() => carried.pair.server.failure !== undefined, 'the server hears of it');
  t.equal(carried.pair.server.failure?.reason, 'peer_alert_credential');
});

t.test('close waits for the stream, then both sides agree on the counts', needsPlane, async (t) => {
  const { plane, carried, near, far } = await joined(t);
  carried.pair.client.channel.close();
  near.end('the last words');
  far.end();
  await once(far, 'data');
  await Promise.all([once(near.resume(), 'close'), once(far, 'close')]);
  await until(() => carried.pair.client.events.includes('closed') && carried.pair.server.events.includes('closed'), 'closed');
  t.same(plane.failures, []);
});

t.test('after Retire no stream is opened, and the channel is closed', needsPlane, async (t) => {
  const { plane, carried, near, far } = await joined(t);
  carried.pair.server.channel.retire();
  await until(() => carried.pair.client.events.includes('retire'), 'the client hears of it');
  near.end('x');
  far.end();
  await once(far, 'data');
  await until(() => carried.pair.server.events.includes('closed'), 'closed');
  t.equal(plane.count('client', 'idleChannels'), 0);
  const later = await connectSocket(t, `tcp://127.0.0.1:${plane.port}`);
  await until(() => plane.count('client', 'waiting') === 1, 'the next connection waits for another channel');
  await plane.warm();
  later.write('y');
  await until(() => plane.count('server', 'streams') === 2, 'which serves it');
  t.same(plane.failures, []);
});

t.test('an application whose channel fails before a byte is served by another one', needsPlane, async (t) => {
  const target = await application(t, 'tcp', (stream) => stream.pipe(stream));
  const plane = new PlanePair(t, { target: target.url.replace('//', '') });
  const first = await plane.warm();
  const near = await connectSocket(t, `tcp://127.0.0.1:${plane.port}`);
  await until(() => plane.count('client', 'streams') === 1, 'a stream');
  await plane.warm();
  first.pair.client.channel.fail(new XpsError('peer_rejected'));
  near.write('hello');
  const [echo] = (await once(near, 'data')) as [Buffer];
  t.equal(echo.toString(), 'hello');
});

t.test('keepalive is answered across planes, and missed where nobody is', needsPlane, async (t) => {
  const timeouts = { keepAliveMs: 1000 };
  const { plane } = await joined(t, { client: { timeouts }, server: { timeouts } });
  await sleep(2500);
  t.same(plane.failures, []);
});
