import { once } from 'node:events';
import t from 'tap';
import { application, connectTo, endingOf } from '../support/applications.ts';
import { makePki, startClient, startPair } from '../support/scenario.ts';

const WITHIN_MS = 2000;

await t.test('a revoked client is cut off, the others lose nothing', async (t) => {
  const pki = await makePki(t);
  const other = await pki.authority.issue({ name: 'other', uris: ['spiffe://test.example/other'] });
  const app = await application(t, 'tcp', (stream) => stream.pipe(stream));
  const pair = await startPair(t, { pki, target: app.url, serverTunnel: { peer: { allow: ['spiffe://test.example/*'] } } });
  const second = await startClient(t, { ...pki, client: other }, pair.server.listenUrl('test'), { target: '' });

  const revoked = await connectTo(t, pair.url);
  const honest = await connectTo(t, second.listenUrl('test'));
  for (const stream of [revoked, honest]) {
    stream.write('x');
    await once(stream, 'data');
  }
  const end = endingOf(revoked);
  await pki.authority.revoke('client', 'keyCompromise');
  await pki.authority.crl();
  const changed = performance.now();
  t.equal(await end, 'reset');
  t.ok(performance.now() - changed < WITHIN_MS, `cut off within ${Math.round(performance.now() - changed)} ms`);

  const line = await pair.server.until((entry) => entry.msg === 'channel failed');
  t.equal(line.reason, 'peer_rejected');
  t.match(line.detail, /certificate_revoked.*client/, 'the log says why, and for which certificate');
  await pair.client.until((entry) => entry.msg === 'channel failed' && entry.reason === 'peer_alert_credential');
  t.pass('the peer is told that its credential is no longer accepted, and no more');

  honest.write('still here');
  const [echo] = (await once(honest, 'data')) as [Buffer];
  t.equal(echo.toString(), 'still here');
  t.notOk(second.log.some((entry) => entry.msg === 'channel failed'));
});

await t.test('the server is revoked', async (t) => {
  const pki = await makePki(t);
  const app = await application(t, 'tcp', (stream) => stream.pipe(stream));
  const pair = await startPair(t, { pki, target: app.url });
  const stream = await connectTo(t, pair.url);
  stream.write('x');
  await once(stream, 'data');
  const end = endingOf(stream);
  await pki.authority.revoke('server', 'keyCompromise');
  await pki.authority.crl();
  t.equal(await end, 'reset');
  await pair.client.until((entry) => entry.msg === 'channel failed' && entry.reason === 'peer_rejected');
});

await t.test('a certificate that expires while the channel lives', async (t) => {
  const pki = await makePki(t);
  const shortLived = await pki.authority.issue({ name: 'short', uris: ['spiffe://test.example/client'], days: 4 / 86_400 });
  const app = await application(t, 'tcp', (stream) => stream.pipe(stream));
  const trust = { bundles: [{ file: pki.authority.certFile }], revocation: { crl: [pki.authority.crlFile] }, clock_skew: '0s' };
  const pair = await startPair(t, { pki, target: app.url, clientIdentity: shortLived, server: { trust } });
  const stream = await connectTo(t, pair.url);
  stream.write('x');
  await once(stream, 'data');
  t.equal(await endingOf(stream, 15_000), 'reset');
  const line = await pair.server.until((entry) => entry.msg === 'channel failed');
  t.match(line.detail, /certificate_expired/);
});
