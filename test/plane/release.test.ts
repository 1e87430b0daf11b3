import { once } from 'node:events';
import t from 'tap';
import { SocketTransport } from '../../sidecar/transports/socket-transport.ts';
import { joinedSockets } from '../support/plane-pair.ts';

t.test('what was read and not delivered goes with a released connection, once', async (t) => {
  const [mine, theirs] = await joinedSockets();
  t.teardown(() => mine.destroy());
  const transport = new SocketTransport(theirs, 'tcp');
  const delivered: string[] = [];
  transport.onData = (bytes) => {
    delivered.push(Buffer.from(bytes).toString());
    transport.pause();
  };
  transport.start();
  mine.write('first');
  await new Promise((resolve) => {
    setTimeout(resolve, 50);
  });
  // Paused, but Node reads on until its buffer is full.
  mine.write('second');
  await new Promise((resolve) => {
    setTimeout(resolve, 50);
  });
  let unread = '';
  t.ok(transport.release((descriptor, rest) => {
    t.ok(descriptor > 2);
    unread = Buffer.from(rest).toString();
  }));
  t.same(delivered, ['first'], 'nothing is delivered twice');
  t.equal(unread, 'second');
  // Nobody has duplicated the descriptor here, so that the connection ends with the socket.
  mine.resume();
  await once(mine, 'end');
});

t.test('a connection with bytes that wait, or that is ending, is not released', async (t) => {
  const [mine, theirs] = await joinedSockets();
  t.teardown(() => mine.destroy());
  const transport = new SocketTransport(theirs, 'tcp');
  transport.start();
  while (transport.pendingBytes === 0) transport.write(new Uint8Array(1024 * 1024));
  t.notOk(transport.release(() => t.fail('taken')));
  transport.reset();
  t.notOk(transport.release(() => t.fail('taken')));
});
