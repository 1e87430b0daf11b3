import { once } from 'node:events';
import t from 'tap';
import { AEADS, suiteOf } from '../../handshake/codepoints.ts';
import { application, connectSocket, receiveHash, sendRandom } from '../support/applications.ts';
import { needsPlane, PlanePair, until } from '../support/plane-pair.ts';

const MIB = 1024 * 1024;

/** An application that sends back what it gets. */
const echo = (stream: NodeJS.ReadWriteStream): void => {
  stream.pipe(stream);
};

for (const aead of AEADS) {
  t.test(`bytes arrive both ways: ${aead}`, needsPlane, async (t) => {
    const target = await application(t, 'tcp', echo);
    const suites = [suiteOf('X25519', aead)];
    const plane = new PlanePair(t, { target: target.url.replace('//', ''), client: { suites }, server: { suites } });
    await plane.warm();
    const app = await connectSocket(t, `tcp://127.0.0.1:${plane.port}`);
    const [sent, received] = await Promise.all([sendRandom(app, 32 * MIB), receiveHash(app, 32 * MIB)]);
    t.equal(received, sent);
    app.end();
    await once(app, 'close');
    await until(() => plane.count('client', 'idleChannels') === 1, 'the channel goes back to the pool');
    t.equal(plane.count('server', 'bytesFromChannel'), 32 * MIB);
    t.equal(plane.count('client', 'bytesFromChannel'), 32 * MIB);
    t.same(plane.failures, []);
  });
}
