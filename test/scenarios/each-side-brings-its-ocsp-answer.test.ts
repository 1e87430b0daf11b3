import { once } from 'node:events';
import { join } from 'node:path';
import t from 'tap';
import { Authority } from '../../certs/ca/authority.ts';
import { startOcspResponder } from '../../certs/ca/ocsp-responder.ts';
import { application, connectTo, endingOf, freePort } from '../support/applications.ts';
import { CLIENT_ID, makePki, SERVER_ID, startPair } from '../support/scenario.ts';

await t.test('both demand a staple and have no other source; who brings none gets nothing', async (t) => {
  const pki = await makePki(t);
  const port = await freePort();
  const authority = await Authority.create(join(pki.dir, 'ocsp'), { name: 'OCSP CA', urls: { ocsp: `http://127.0.0.1:${port}/` } });
  const client = await authority.issue({ name: 'client', uris: [CLIENT_ID] });
  const server = await authority.issue({ name: 'server', uris: [SERVER_ID] });
  const responder = await startOcspResponder(await authority.ocsp(), port);
  t.teardown(() => responder[Symbol.asyncDispose]());
  const app = await application(t, 'tcp', (stream) => stream.pipe(stream));
  const trust = (more: object): object => ({ bundles: [{ file: authority.certFile }], revocation: { mode: 'hard', ocsp: { require_staple: true, ...more } } });
  const pair = await startPair(t, { pki, target: app.url, both: { trust: trust({}) }, clientIdentity: client, serverIdentity: server });
  const stream = await connectTo(t, pair.url);
  stream.write('x');
  const [echo] = (await once(stream, 'data')) as [Buffer];
  t.equal(echo.toString(), 'x');
  t.equal(responder.answered, 2, 'each has asked about itself');

  const lazy = await startPair(t, {
    pki,
    target: app.url,
    server: { trust: trust({}) },
    client: { trust: { bundles: [{ file: authority.certFile }], revocation: { mode: 'off', ocsp: { staple: false } } } },
    clientIdentity: client,
    serverIdentity: server,
  });
  const refused = await connectTo(t, lazy.url);
  const end = endingOf(refused);
  refused.write('x');
  t.equal(await end, 'reset');
  t.ok(await lazy.server.until(({ reason }) => reason === 'staple_required'), 'the log says why');
});
