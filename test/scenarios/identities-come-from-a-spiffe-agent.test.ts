import { once } from 'node:events';
import { join } from 'node:path';
import t from 'tap';
import { application, connectTo } from '../support/applications.ts';
import { makePki, startPair } from '../support/scenario.ts';
import { SpiffeAgent, withoutSpiffeAgent } from '../support/spiffe-agent.ts';
import { until } from '../support/trust.ts';

const OURS = 'spiffe://a.example/sidecar';

await t.test('both sides live on an agent: rotation, a new root, an agent that is away', { skip: withoutSpiffeAgent() }, async (t) => {
  const pki = await makePki(t);
  const socket = join(pki.dir, 'agent.sock');
  const agent = await SpiffeAgent.start(t, socket);
  await agent.tell({ do: 'serve', ids: [OURS] });
  const app = await application(t, 'tcp', (stream) => stream.pipe(stream));
  const peer = { allow: ['spiffe://a.example/*'], allow_own_certificate: true };
  const pair = await startPair(t, {
    pki,
    target: app.url,
    both: { identity: { spiffe: `unix:${socket}` }, trust: { revocation: { mode: 'off' } } },
    clientTunnel: { peer },
    serverTunnel: { peer },
  });
  const echoes = async (text: string): Promise<boolean> => {
    const stream = await connectTo(t, pair.url);
    stream.write(text);
    const [echo] = (await once(stream, 'data')) as [Buffer];
    stream.destroy();
    return echo.toString() === text;
  };
  t.ok(await echoes('first'));
  const lasting = await connectTo(t, pair.url);
  lasting.write('x');
  await once(lasting, 'data');

  await agent.tell({ do: 'renew', domain: 'a.example' });
  await agent.tell({ do: 'serve', ids: [OURS] });
  const credentialsOf = (side: typeof pair.client): number => side.log.filter(({ detail }) => detail?.includes('valid until') === true).length;
  await until('both have the new identity', () => credentialsOf(pair.client) >= 2 && credentialsOf(pair.server) >= 2, 10_000);
  t.ok(await echoes('after the rotation'));
  await agent.tell({ do: 'down' });
  t.ok(await echoes('without the agent'));
  lasting.write('y');
  const [echo] = (await once(lasting, 'data')) as [Buffer];
  t.equal(echo.toString(), 'y', 'the connection from before has lived through it');
  t.notOk([...pair.client.log, ...pair.server.log].some(({ msg }) => msg === 'channel failed'));
});
