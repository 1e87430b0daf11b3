import { once } from 'node:events';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import t from 'tap';
import { application, connectTo } from '../support/applications.ts';
import { CLIENT_ID, makePki, startPair, type Pair, type Test, type TestPki } from '../support/scenario.ts';

/** The client's identity in files of its own, which the test replaces. */
function mounted(pki: TestPki): { readonly cert: string; readonly key: string } {
  const cert = join(pki.dir, 'mounted.pem');
  const key = join(pki.dir, 'mounted.key');
  copyFileSync(pki.client.certFile, cert);
  copyFileSync(pki.client.keyFile as string, key);
  return { cert, key };
}

async function echo(stream: Duplex, text: string): Promise<string> {
  stream.write(text);
  const [bytes] = (await once(stream, 'data')) as [Buffer];
  return bytes.toString();
}

async function start(t: Test): Promise<{ readonly pki: TestPki; readonly pair: Pair; readonly files: ReturnType<typeof mounted>; readonly stream: Duplex }> {
  const pki = await makePki(t);
  const files = mounted(pki);
  const app = await application(t, 'tcp', (stream) => stream.pipe(stream));
  const pair = await startPair(t, { pki, target: app.url, client: { identity: files } });
  const stream = await connectTo(t, pair.url);
  await echo(stream, 'x');
  return { pki, pair, files, stream };
}

await t.test('a renewed certificate', async (t) => {
  const { pki, pair, files, stream } = await start(t);
  const before = (await pair.client.status()).identity?.notAfterMs ?? 0;
  const renewed = await pki.authority.issue({ name: 'client2', uris: [CLIENT_ID], days: 30 });
  copyFileSync(renewed.keyFile as string, files.key);
  copyFileSync(renewed.certFile, files.cert);
  const deadline = performance.now() + 10_000;
  while ((await pair.client.status()).identity?.notAfterMs === before && performance.now() < deadline) await echo(stream, 'y');
  t.not((await pair.client.status()).identity?.notAfterMs, before, 'it is in use');
  await pair.client.untilTunnel('test', ({ channels }) => channels.length > 0 && channels.every(({ generation }) => generation > 1));
  t.equal(await echo(stream, 'still here'), 'still here', 'open channels show it with a rekey, and lose nothing');
  const fresh = await connectTo(t, pair.url);
  t.equal(await echo(fresh, 'new'), 'new');
  t.notOk([...pair.client.log, ...pair.server.log].some(({ msg }) => msg === 'channel failed'));
});

await t.test('a certificate that does not fit its key', async (t) => {
  const { pki, pair, files, stream } = await start(t);
  const other = await pki.authority.issue({ name: 'other', uris: [CLIENT_ID] });
  copyFileSync(other.certFile, files.cert);
  pair.client.signal('SIGHUP');
  const line = await pair.client.until(({ msg }) => msg === 'reload failed; what was in use stays in use');
  t.equal(line.reason, 'credential_invalid');
  t.equal(await echo(stream, 'still here'), 'still here');
  const fresh = await connectTo(t, pair.url);
  t.equal(await echo(fresh, 'new'), 'new', 'the last good one stays in use');
});

await t.test('a bundle that is broken, then extended by a second CA', async (t) => {
  const { pki, pair, stream } = await start(t);
  const good = readFileSync(pki.authority.certFile, 'utf8');
  writeFileSync(pki.authority.certFile, 'nonsense');
  pair.server.signal('SIGHUP');
  await pair.server.until(({ msg }) => msg === 'reload failed; what was in use stays in use');
  t.equal(await echo(stream, 'still here'), 'still here');
  const second = await makePki(t, { caName: 'Second CA' });
  writeFileSync(pki.authority.certFile, good + readFileSync(second.authority.certFile, 'utf8'));
  const deadline = performance.now() + 10_000;
  while ((await pair.server.status()).trust.anchors.length < 2 && performance.now() < deadline) await echo(stream, 'y');
  t.equal((await pair.server.status()).trust.anchors.length, 2);
  t.equal(await echo(stream, 'still here'), 'still here', 'the open channel was judged again and lives');
});

await t.test('SIGHUP when nothing has changed', async (t) => {
  const { pair, stream } = await start(t);
  pair.client.signal('SIGHUP');
  await pair.client.until(({ msg }) => msg === 'certificates, bundles and revocation data were read again');
  t.equal(await echo(stream, 'still here'), 'still here');
});
