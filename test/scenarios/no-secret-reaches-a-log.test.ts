// A full run at the most talkative level: connections, rekeys, a stranger, a wrong mesh key, a revocation. Then
// everything that the sidecars wrote or served is searched for what only they may know.
import { createPrivateKey, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { application, connectTo, receiveHash, sendRandom } from '../support/applications.ts';
import { makePki, startClient, startPair, type SidecarProcess } from '../support/scenario.ts';

const SIZE = 4 * 1024 * 1024;
/** Shorter runs of characters could stand anywhere. */
const NEEDLE_LENGTH = 16;

interface Needle {
  readonly what: string;
  readonly text: string;
}

/** The ways in which bytes are usually written down; the whole, and its beginning in case that it was shortened. */
function spellings(what: string, bytes: Buffer): Needle[] {
  const texts = [bytes.toString('hex'), bytes.toString('hex').toUpperCase(), bytes.toString('base64'), bytes.toString('base64url'), [...bytes].join(',')];
  return texts.map((text) => ({ what, text: text.slice(0, Math.max(NEEDLE_LENGTH, 32)) }));
}

/** The lines of the PEM body, and the private scalar by itself. */
function privateKeyNeedles(what: string, file: string): Needle[] {
  const pem = readFileSync(file, 'utf8');
  const { d } = createPrivateKey(pem).export({ format: 'jwk' });
  const lines = pem.split('\n').filter((line) => line.length >= NEEDLE_LENGTH && !line.startsWith('-----'));
  // The first line of PKCS #8 has only the algorithm at its beginning; its end is key.
  return [
    ...lines.map((line) => ({ what: `${what}, a line of ${file}`, text: line.slice(-NEEDLE_LENGTH) })),
    ...spellings(`${what}, its scalar`, Buffer.from(d as string, 'base64url')),
  ];
}

async function everythingSaidBy(sidecar: SidecarProcess): Promise<string> {
  const pages = await Promise.all(['/status', '/metrics', '/'].map(async (path) => (await fetch(new URL(path, sidecar.adminUrl))).text()));
  return [JSON.stringify(sidecar.log), sidecar.stderr, ...pages].join('\n');
}

t.test('keys, mesh key and payload are in no log, status or metric', async (t) => {
  const pki = await makePki(t);
  const meshKey = randomBytes(32);
  const meshKeyFile = join(pki.dir, 'mesh.key');
  writeFileSync(meshKeyFile, meshKey.toString('hex'), { mode: 0o600 });
  const otherMeshKey = randomBytes(32);
  const otherMeshKeyFile = join(pki.dir, 'other.key');
  writeFileSync(otherMeshKeyFile, otherMeshKey.toString('base64'), { mode: 0o600 });

  const payload = randomBytes(24);
  const received = Promise.withResolvers<string>();
  const app = await application(t, 'tcp', (stream) => {
    receiveHash(stream, SIZE + payload.length).then(received.resolve, () => undefined);
  });
  const talkative = { log: { level: 'trace' }, mesh_key: { file: meshKeyFile }, crypto: { tls: { rekey_messages: 20 } } };
  const pair = await startPair(t, { pki, target: app.url, both: talkative });

  const stream = await connectTo(t, pair.url);
  stream.write(payload);
  await sendRandom(stream, SIZE);
  await received.promise;
  await pair.client.untilTunnel('test', ({ channels }) => channels.some(({ generation }) => generation > 1));

  const stranger = await pki.authority.issue({ name: 'stranger', uris: ['spiffe://test.example/stranger'] });
  const channelUrl = pair.server.listenUrl('test');
  const refused = await startClient(t, { ...pki, dir: pki.dir }, channelUrl, { target: app.url, both: talkative, clientIdentity: stranger });
  await refused.until(({ msg }) => msg === 'handshake failed');
  const deaf = await startClient(t, pki, channelUrl, { target: app.url, both: { ...talkative, mesh_key: { file: otherMeshKeyFile } } });
  await deaf.until(({ msg }) => msg === 'handshake failed');
  await pki.authority.revoke('client', 'keyCompromise');
  await pki.authority.crl();
  await pair.server.until(({ reason }) => reason === 'peer_rejected');

  const needles = [
    ...privateKeyNeedles('the key of the client', pki.client.keyFile as string),
    ...privateKeyNeedles('the key of the server', pki.server.keyFile as string),
    ...privateKeyNeedles('the key of the stranger', stranger.keyFile as string),
    ...spellings('the mesh key', meshKey),
    ...spellings('another mesh key', otherMeshKey),
    ...spellings('what the application sent', payload),
  ];
  t.ok(needles.length > 30, `${needles.length} needles`);
  for (const [name, sidecar] of Object.entries({ client: pair.client, server: pair.server, refused, deaf })) {
    const said = await everythingSaidBy(sidecar);
    t.ok(said.length > 5000, `the ${name} said something`);
    t.same(needles.filter(({ text }) => said.includes(text)).map(({ what }) => what), [], `nothing in what the ${name} said`);
  }
});
