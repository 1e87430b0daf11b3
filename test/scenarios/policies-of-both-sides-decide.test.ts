import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { application, connectTo, endingOf, endingOfConnection } from '../support/applications.ts';
import { makePki, startPair, type Pair, type PairOptions, type Settings, type Test } from '../support/scenario.ts';

t.setTimeout(120_000);

async function pairOf(t: Test, options: Partial<PairOptions>): Promise<Pair> {
  const app = await application(t, 'tcp', (stream) => stream.pipe(stream));
  return startPair(t, { target: app.url, ...options });
}

async function suiteOf(t: Test, pair: Pair): Promise<string | undefined> {
  const stream = await connectTo(t, pair.url);
  stream.write('x');
  await once(stream, 'data');
  return (await pair.server.tunnel('test')).channels.find(({ isBusy }) => isBusy)?.suite;
}

const crypto = (settings: Settings): Settings => ({ crypto: settings });

const AGREEMENTS: readonly (readonly [name: string, client: Settings, server: Settings, suite: string])[] = [
  ['defaults', {}, {}, 'XWING_AES_GCM'],
  ['the server prefers another AEAD', {}, crypto({ aead: { default: 'CHACHA20_POLY1305' } }), 'XWING_CHACHA20_POLY1305'],
  ['XChaCha20 on both', crypto({ aead: { default: 'XCHACHA20_POLY1305' } }), crypto({ aead: { default: 'XCHACHA20_POLY1305' } }), 'XWING_XCHACHA20_POLY1305'],
  ['the client forbids AES', crypto({ aead: { default: 'CHACHA20_POLY1305' }, policy: { forbid: ['sha1', 'des', 'AES_GCM'] } }), {}, 'XWING_CHACHA20_POLY1305'],
  ['no hybrid at the client', crypto({ kex: { hybrid: 'off' } }), {}, 'X25519_AES_GCM'],
  ['no hybrid at the server', {}, crypto({ kex: { hybrid: 'off' } }), 'X25519_AES_GCM'],
  ['hybrid required', crypto({ kex: { hybrid: 'require' } }), {}, 'XWING_AES_GCM'],
  ['nobody in the canary share', crypto({ kex: { hybrid: 'prefer', canary_percent: 0 } }), {}, 'X25519_AES_GCM'],
];

for (const [name, client, server, suite] of AGREEMENTS) {
  await t.test(name, async (t) => {
    t.equal(await suiteOf(t, await pairOf(t, { client, server })), suite);
  });
}

const REFUSALS: readonly (readonly [name: string, options: Partial<PairOptions>, reason: string])[] = [
  ['hybrid required, and not offered', { client: crypto({ kex: { hybrid: 'off' } }), server: crypto({ kex: { hybrid: 'require' } }) }, 'no_common_suite'],
  ['another service', { clientTunnel: { service: 'orders' }, serverTunnel: { service: 'billing' } }, 'service_mismatch'],
];

for (const [name, options, reason] of REFUSALS) {
  await t.test(name, async (t) => {
    const pair = await pairOf(t, options);
    const stream = await connectTo(t, pair.url);
    stream.write('x');
    t.equal(await endingOf(stream), 'reset');
    await pair.server.until((line) => line.msg === 'handshake failed' && line.reason === reason);
    await pair.client.until((line) => line.msg === 'handshake failed' && line.reason === 'peer_refused');
  });
}

await t.test('anonymous clients, where both sides say so', async (t) => {
  const pair = await pairOf(t, { clientTunnel: { identity: 'none' }, serverTunnel: { client_auth: 'optional', peer: { allow: ['anonymous'] } } });
  const stream = await connectTo(t, pair.url);
  stream.write('x');
  await once(stream, 'data');
  const channel = (await pair.server.tunnel('test')).channels.find(({ isBusy }) => isBusy);
  t.equal(channel?.peer, 'anonymous');
});

await t.test('a mesh key: the same on both sides, or silence', async (t) => {
  const pki = await makePki(t);
  const keys = ['one', 'two'].map((name) => {
    const file = join(pki.dir, `${name}.key`);
    writeFileSync(file, randomBytes(32).toString('hex'), { mode: 0o600 });
    return { mesh_key: { file } };
  });
  const same = await pairOf(t, { pki, both: keys[0] as Settings });
  t.ok(await suiteOf(t, same));
  const different = await pairOf(t, { pki, client: keys[0] as Settings, server: keys[1] as Settings });
  t.equal(await endingOfConnection(t, different.url), 'reset');
  await different.server.until((line) => line.reason === 'service_mismatch' || line.reason === 'gate_mismatch');
  await different.client.until((line) => line.msg === 'handshake failed' && line.reason === 'channel_truncated');
  t.pass('the server says nothing at all');
});

await t.test('every engine', async (t) => {
  for (const engine of ['openssl', 'portable']) {
    const app = await application(t, 'tcp', (stream) => stream.pipe(stream));
    process.env['XPS_ENGINE'] = engine;
    try {
      const pair = await startPair(t, { target: app.url });
      t.ok(await suiteOf(t, pair));
      const { channels } = await pair.client.tunnel('test');
      t.match(channels[0]?.engine, engine === 'openssl' ? 'openssl' : /portable|noble/);
    } finally {
      delete process.env['XPS_ENGINE'];
    }
  }
});
