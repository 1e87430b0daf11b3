import { chmodSync, copyFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { configOf, makePki, SERVER_ID, SidecarProcess, temporaryFolder, writeConfig, type Settings, type Test, type TestPki } from '../support/scenario.ts';

function tunnel(listen: string, name = 'test'): Settings {
  return { name, role: 'client', listen, connect: 'tcp://127.0.0.1:1', peer: { allow: [SERVER_ID] } };
}

/** Exit code and everything that was said by a sidecar that cannot start. */
async function failedStart(t: Test, pki: TestPki, config: Settings, environment: Readonly<Record<string, string>> = {}): Promise<string> {
  const sidecar = new SidecarProcess(t, writeConfig(pki.dir, 'bad', config), environment);
  const code = await sidecar.ended();
  return `exit ${String(code)}: ${sidecar.stderr}`;
}

const pki = await makePki(t);

await t.test('a port in use', async (t) => {
  const other = createServer();
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.teardown(() => other.close());
  const { port } = other.address() as AddressInfo;
  const said = await failedStart(t, pki, configOf(pki, pki.client, [tunnel('tcp://127.0.0.1:0', 'first'), tunnel(`tcp://127.0.0.1:${port}`, 'second')]));
  t.match(said, /^exit 1: xpscerpto: an address cannot be listened on \(tcp:\/\/127\.0\.0\.1:\d+: the address is in use by another process/);
  t.match(said, 'choose another address');
});

await t.test('an admin port in use', async (t) => {
  const other = createServer();
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.teardown(() => other.close());
  const { port } = other.address() as AddressInfo;
  const said = await failedStart(t, pki, configOf(pki, pki.client, [tunnel('tcp://127.0.0.1:0')], { admin: { listen: `127.0.0.1:${port}` } }));
  t.match(said, /^exit 1: .*admin 127\.0\.0\.1:\d+: the address is in use/);
});

await t.test('an address of another machine', async (t) => {
  t.match(await failedStart(t, pki, configOf(pki, pki.client, [tunnel('tcp://192.0.2.1:15432')])), /exit 1: .*this machine has no such address/);
});

await t.test('a file where the UNIX socket should be', async (t) => {
  const file = join(temporaryFolder(t), 'app.sock');
  writeFileSync(file, 'not a socket');
  t.match(await failedStart(t, pki, configOf(pki, pki.client, [tunnel(`unix:${file}`)])), /exit 1: .*app\.sock: a file of another kind has this name/);
});

await t.test('a key that does not match the certificate', async (t) => {
  const config = configOf(pki, pki.client, [tunnel('tcp://127.0.0.1:0')], {
    identity: { cert: pki.client.certFile, key: pki.server.keyFile },
  });
  const said = await failedStart(t, pki, config);
  t.match(said, /^exit 1: xpscerpto: our own certificate or key cannot be used \(/);
  t.match(said, /server\.key/, 'the file is named');
});

await t.test('a key that cannot be read', { skip: process.getuid?.() === 0 ? 'root may read everything' : false }, async (t) => {
  const key = join(temporaryFolder(t), 'locked.key');
  copyFileSync(pki.client.keyFile as string, key);
  chmodSync(key, 0o000);
  const said = await failedStart(t, pki, configOf(pki, pki.client, [tunnel('tcp://127.0.0.1:0')], { identity: { cert: pki.client.certFile, key } }));
  t.match(said, /identity|locked\.key.*may not be read/);
});

await t.test('a key file with something else in it', async (t) => {
  const key = join(temporaryFolder(t), 'nonsense.key');
  writeFileSync(key, 'this is no key\n', { mode: 0o600 });
  t.match(await failedStart(t, pki, configOf(pki, pki.client, [tunnel('tcp://127.0.0.1:0')], { identity: { cert: pki.client.certFile, key } })), /exit 1: .*nonsense\.key/);
});

await t.test('a bundle that differs from its digest', async (t) => {
  const trust = { bundles: [{ file: pki.authority.certFile, sha256: '00'.repeat(32) }], revocation: { crl: [pki.authority.crlFile] } };
  t.match(await failedStart(t, pki, configOf(pki, pki.client, [tunnel('tcp://127.0.0.1:0')], { trust })), /exit 1: .*differs from its configured digest .*ca\.pem/);
});

await t.test('an unknown value in the environment', async (t) => {
  const said = await failedStart(t, pki, configOf(pki, pki.client, [tunnel('tcp://127.0.0.1:0')]), { XPS_ENGINE: 'opensll' });
  t.match(said, /exit 1: .*XPS_ENGINE is "opensll".*did you mean openssl\?/);
});

await t.test('several mistakes in the configuration', async (t) => {
  const said = await failedStart(t, pki, configOf(pki, pki.client, [{ ...tunnel('tcp://127.0.0.1'), conect: 'x' }]));
  t.match(said, /bad\.yaml:\d+:\d+: tunnels\[0\]\.listen: "tcp:\/\/127\.0\.0\.1" has no port/);
  t.match(said, /bad\.yaml:\d+:\d+: unknown key "conect" in tunnels\[0\].*did you mean "connect"\?/);
  t.match(said, /2 mistakes in/);
});
