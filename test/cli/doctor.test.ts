import t from 'tap';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { xpscerpto } from '../support/command.ts';
import { CLIENT_ID, configOf, makePki, SERVER_ID, type Settings, startServer, writeConfig } from '../support/scenario.ts';

interface Check {
  readonly name: string;
  readonly outcome: string;
  readonly found: string;
  readonly todo?: string;
}

interface Diagnosis {
  readonly code: number | null;
  readonly healthy: boolean;
  /** By name; of several with one name the last. */
  readonly checks: ReadonlyMap<string, Check>;
}

const pki = await makePki(t);
const echo = createServer((socket) => socket.on('error', () => undefined).pipe(socket));
await once(echo.listen(0, '127.0.0.1'), 'listening');
t.teardown(() => echo.close());
const target = `tcp://127.0.0.1:${(echo.address() as AddressInfo).port}`;
const server = await startServer(t, pki, { target });
const channel = server.listenUrl('test');

let configs = 0;

function clientConfig(tunnel: Settings = {}, more: Settings = {}, identity = pki.client): string {
  configs += 1;
  const whole = { name: 'orders', role: 'client', listen: 'tcp://127.0.0.1:0', connect: channel, peer: { allow: [SERVER_ID] }, ...tunnel };
  return writeConfig(pki.dir, `client-${configs}`, configOf(pki, identity, [whole], more));
}

async function diagnose(file: string): Promise<Diagnosis> {
  const { code, stdout, stderr } = await xpscerpto(['doctor', 'orders', '-c', file, '--json']);
  t.match(stdout, /^\{/, stderr);
  const { healthy, checks } = JSON.parse(stdout) as { healthy: boolean; checks: Check[] };
  return { code, healthy, checks: new Map(checks.map((check) => [check.name, check])) };
}

t.test('a tunnel in order: every check passes, up to a handshake with the real peer', async (t) => {
  const { code, stdout } = await xpscerpto(['doctor', '-c', clientConfig()]);
  t.equal(code, 0);
  t.match(stdout, /^orders \(client\) of /);
  const names = [...stdout.matchAll(/^ {2}✓ (.{19})/gm)].map((match) => (match[1] as string).trimEnd());
  t.same(names, ['engines', 'identity', 'identity expiry', 'trust bundles', 'CRL', 'own chain', 'mesh key', 'peer reachable', 'handshake']);
  t.match(stdout, /handshake +.*spiffe:\/\/test\.example\/server and we accept each other/);
  t.match(stdout, /\nNo check failed\.\n$/);
  t.equal((await server.tunnel('test')).openConnections, 0, 'the probe leaves nothing behind');
});

t.test('a peer that is down', async (t) => {
  const closed = createServer();
  await once(closed.listen(0, '127.0.0.1'), 'listening');
  const { port } = closed.address() as AddressInfo;
  await new Promise((resolve) => closed.close(resolve));
  const { code, checks } = await diagnose(clientConfig({ connect: `tcp://127.0.0.1:${port}` }));
  t.equal(code, 1);
  t.match(checks.get('peer reachable'), { outcome: 'failed', found: /dial_failed/, todo: /whether something listens there/ });
  t.match(checks.get('handshake'), { outcome: 'skipped' });
});

t.test('a peer that is no sidecar', async (t) => {
  const { checks } = await diagnose(clientConfig({ connect: target }));
  t.match(checks.get('peer reachable'), { outcome: 'ok' });
  t.match(checks.get('handshake'), { outcome: 'failed', todo: /./ });
});

t.test('a peer that our rules do not allow', async (t) => {
  const { checks } = await diagnose(clientConfig({ peer: { allow: ['spiffe://test.example/billing'] } }));
  t.match(checks.get('handshake'), { outcome: 'failed', found: /peer_not_allowed/, todo: /add one of its names to peer\.allow/ });
});

t.test('a peer that does not allow us', async (t) => {
  const stranger = await pki.authority.issue({ name: 'stranger', uris: ['spiffe://test.example/stranger'] });
  const { code, checks } = await diagnose(clientConfig({}, {}, stranger));
  t.equal(code, 1);
  t.match(checks.get('own chain'), { outcome: 'ok' });
  t.match(checks.get('handshake'), { outcome: 'failed', todo: /./ });
});

t.test('another service or mesh key than the peer', async (t) => {
  const { checks } = await diagnose(clientConfig({ service: 'another' }));
  t.match(checks.get('handshake'), { outcome: 'failed' });
});

t.test('an identity that has ended, or is about to', async (t) => {
  const DAY_MS = 86_400_000;
  const old = await pki.authority.issue({ name: 'old', uris: [CLIENT_ID], days: 1, notBeforeMs: Date.now() - 3 * DAY_MS });
  const ended = await diagnose(clientConfig({}, {}, old));
  t.equal(ended.code, 1);
  t.match(ended.checks.get('identity expiry') ?? ended.checks.get('identity'), { outcome: 'failed', todo: /./ });

  const short = await pki.authority.issue({ name: 'short', uris: [CLIENT_ID], days: 2 });
  const soon = await diagnose(clientConfig({}, {}, short));
  t.equal(soon.code, 0, 'a warning is no failure');
  t.match(soon.checks.get('identity expiry'), { outcome: 'warning', todo: /renew it/ });
});

t.test('a bundle that is not the one that was pinned', async (t) => {
  const trust = { bundles: [{ file: pki.authority.certFile, sha256: '00'.repeat(32) }], revocation: { crl: [pki.authority.crlFile] } };
  const { code, checks } = await diagnose(clientConfig({}, { trust }));
  t.equal(code, 1);
  t.match(checks.get('trust bundles'), { outcome: 'failed', found: /bundle_digest_mismatch/ });
  t.match(checks.get('handshake'), { outcome: 'skipped', found: /trust cannot be used/ });
});

t.test('no CRL at all, and revocation switched off', async (t) => {
  const bundles = [{ file: pki.authority.certFile }];
  const none = await diagnose(clientConfig({}, { trust: { bundles } }));
  t.match(none.checks.get('revocation'), { outcome: 'warning', todo: /trust\.revocation\.crl/ });
  t.match(none.checks.get('handshake'), { outcome: 'failed', found: /certificate_status_unknown/ });
  const off = await diagnose(clientConfig({}, { trust: { bundles, revocation: { mode: 'off' } } }));
  t.match(off.checks.get('revocation'), { outcome: 'warning', todo: /hard/ });
  t.match(off.checks.get('handshake'), { outcome: 'ok' });
});

t.test('the server side looks at its application', async (t) => {
  const config = (connect: string): string => {
    configs += 1;
    const tunnel = { name: 'orders', role: 'server', listen: 'tcp://127.0.0.1:0', connect, peer: { allow: [CLIENT_ID] } };
    return writeConfig(pki.dir, `server-${configs}`, configOf(pki, pki.server, [tunnel]));
  };
  const up = await diagnose(config(target));
  t.equal(up.code, 0);
  t.match(up.checks.get('application'), { outcome: 'ok' });
  t.match(up.checks.get('handshake'), { outcome: 'skipped', found: /client side/ });
  const down = await diagnose(config('unix:/nonexistent/application.sock'));
  t.equal(down.code, 1);
  t.match(down.checks.get('application'), { outcome: 'failed', found: /application\.sock/ });
});

t.test('a tunnel that does not exist, a configuration that cannot be read', async (t) => {
  t.match(await xpscerpto(['doctor', 'order', '-c', clientConfig()]), { code: 2, stderr: /there is no tunnel "order"; did you mean orders\?/ });
  t.match(await xpscerpto(['doctor']), { code: 2, stderr: /--config is missing/ });
  t.match(await xpscerpto(['doctor', '-c', join(pki.dir, 'missing.yaml')]), { code: 1, stderr: /missing\.yaml: the file does not exist/ });
});
