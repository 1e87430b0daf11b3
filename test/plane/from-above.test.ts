// Connections that TypeScript accepts or dials, carried by the plane all the same.
import { once } from 'node:events';
import t from 'tap';
import { connectSocket, endingOf } from '../support/applications.ts';
import { descriptorOf, joinedSockets, needsPlane, PlanePair, until } from '../support/plane-pair.ts';

t.test('a stream without a configured target is connected from above', needsPlane, async (t) => {
  const plane = new PlanePair(t);
  const { pair, server } = await plane.warm();
  const near = await connectSocket(t, `tcp://127.0.0.1:${plane.port}`);
  near.write('before there is a target');
  await until(() => pair.server.events.includes('open'), 'reported');
  t.same(pair.server.destination, { kind: 'configured' });
  const [far, application] = await joinedSockets();
  t.teardown(() => application.destroy());
  server.attach(server.openStream, descriptorOf(far));
  far.destroy();
  application.resume();
  const [text] = (await once(application, 'data')) as [Buffer];
  t.equal(text.toString(), 'before there is a target');
  application.end('answer');
  const [answer] = (await once(near, 'data')) as [Buffer];
  t.equal(answer.toString(), 'answer');
  near.end();
  await until(() => plane.count('client', 'idleChannels') === 1, 'the channel is idle again');
  t.same(plane.failures, []);
});

t.test('a stream that is refused from above is reset at the application', needsPlane, async (t) => {
  const plane = new PlanePair(t);
  const { pair } = await plane.warm();
  const near = await connectSocket(t, `tcp://127.0.0.1:${plane.port}`);
  const ending = endingOf(near);
  await until(() => pair.server.events.includes('open'), 'reported');
  pair.server.channel.reset('not_permitted');
  t.equal(await ending, 'reset');
  await until(() => plane.count('client', 'idleChannels') === 1, 'the channel serves on');
  t.same(plane.failures, []);
});

t.test('a target for a stream that is over already is let go', needsPlane, async (t) => {
  const plane = new PlanePair(t);
  const { pair, server } = await plane.warm();
  const near = await connectSocket(t, `tcp://127.0.0.1:${plane.port}`);
  near.on('error', () => undefined);
  await until(() => pair.server.events.includes('open'), 'reported');
  const stream = server.openStream;
  near.resetAndDestroy();
  await until(() => pair.server.events.includes('over'), 'the stream is over');
  const [far, application] = await joinedSockets();
  const ending = endingOf(application);
  server.attach(stream, descriptorOf(far));
  far.destroy();
  t.equal(await ending, 'reset');
  t.same(plane.failures, []);
});

t.test('a connection that was accepted above, with what was read from it', needsPlane, async (t) => {
  const plane = new PlanePair(t);
  const { pair, client, server } = await plane.warm();
  const [accepted, near] = await joinedSockets();
  t.teardown(() => near.destroy());
  plane.clientPlane.carry(client, descriptorOf(accepted), Buffer.from('early, '));
  accepted.destroy();
  near.write('late');
  await until(() => pair.server.events.includes('open'), 'a stream');
  const [far, application] = await joinedSockets();
  t.teardown(() => application.destroy());
  server.attach(server.openStream, descriptorOf(far));
  far.destroy();
  let text = '';
  application.on('data', (bytes: Buffer) => {
    text += bytes.toString();
  });
  application.resume();
  await until(() => text === 'early, late', 'both, in order');
  t.pass('both, in order');
  t.same(plane.failures, []);
});
