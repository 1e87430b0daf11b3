import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import t from 'tap';
import { application, connectTo, endingOfConnection } from '../support/applications.ts';
import { makePki, startPair, type Pair, type PairOptions, type Test, type TestPki } from '../support/scenario.ts';

interface Case {
  readonly name: string;
  /** Which side finds the fault, and what its log says. */
  readonly judge: 'client' | 'server';
  readonly reason: string;
  readonly detail?: RegExp;
  prepare(pki: TestPki): Promise<Partial<PairOptions>>;
}

const DAY_MS = 86_400_000;

const CASES: readonly Case[] = [
  {
    name: 'a revoked client',
    judge: 'server', reason: 'certificate_revoked', detail: /client/,
    async prepare({ authority }) {
      await authority.revoke('client', 'keyCompromise');
      await authority.crl();
      return {};
    },
  },
  {
    name: 'a revoked server',
    judge: 'client', reason: 'certificate_revoked', detail: /server/,
    async prepare({ authority }) {
      await authority.revoke('server', 'keyCompromise');
      await authority.crl();
      return {};
    },
  },
  {
    name: 'an expired client',
    judge: 'server', reason: 'certificate_expired', detail: /old/,
    async prepare({ authority }) {
      const clientIdentity = await authority.issue({ name: 'old', uris: ['spiffe://test.example/client'], days: 1, notBeforeMs: Date.now() - 3 * DAY_MS });
      return { clientIdentity };
    },
  },
  {
    name: 'a client that no rule allows',
    judge: 'server', reason: 'peer_not_allowed', detail: /stranger/,
    async prepare({ authority }) {
      return { clientIdentity: await authority.issue({ name: 'stranger', uris: ['spiffe://test.example/stranger'] }) };
    },
  },
  {
    name: 'a client that a rule denies',
    judge: 'server', reason: 'peer_denied', detail: /client/,
    async prepare() {
      return { serverTunnel: { peer: { allow: ['spiffe://test.example/*'], deny: ['spiffe://test.example/client'] } } };
    },
  },
  {
    name: 'a server that no rule allows',
    judge: 'client', reason: 'peer_not_allowed', detail: /server/,
    async prepare() {
      return { clientTunnel: { peer: { allow: ['dns:other.example'] } } };
    },
  },
  {
    name: 'a client that matches no pin',
    judge: 'server', reason: 'certificate_pin_mismatch',
    async prepare({ authority }) {
      const trust = {
        bundles: [{ file: authority.certFile }],
        pins: [`sha256/${createHash('sha256').update('somebody else').digest('base64')}`],
        revocation: { crl: [authority.crlFile] },
      };
      return { server: { trust } };
    },
  },
  {
    name: 'a client of another CA',
    judge: 'server', reason: 'certificate_untrusted',
    async prepare() {
      const other = await makePki(t, { caName: 'Another CA' });
      return { clientIdentity: other.client };
    },
  },
  {
    name: 'a client without a certificate',
    judge: 'client', reason: 'anonymous_not_allowed',
    async prepare() {
      return { clientTunnel: { identity: 'none' } };
    },
  },
  {
    name: 'a client whose CRL is missing',
    judge: 'server', reason: 'certificate_status_unknown',
    async prepare({ authority }) {
      const other = await makePki(t);
      return { server: { trust: { bundles: [{ file: authority.certFile }], revocation: { crl: [other.authority.crlFile] } } } };
    },
  },
];

// Each case starts two processes.
t.setTimeout(120_000);

async function refused(t: Test, pair: Pair): Promise<string> {
  return endingOfConnection(t, pair.url, 'secret');
}

for (const { name, judge, reason, detail, prepare } of CASES) {
  await t.test(name, async (t) => {
    const pki = await makePki(t);
    const app = await application(t, 'tcp', () => undefined);
    const pair = await startPair(t, { pki, target: app.url, ...(await prepare(pki)) });
    t.equal(await refused(t, pair), 'reset', 'the application sees a reset');
    t.equal(app.connections.length, 0, 'no target was dialled');
    const line = await pair[judge].until((entry) => entry.reason === reason);
    t.equal(line.msg, 'handshake failed');
    if (detail !== undefined) t.match(line.detail, detail, 'the log names the certificate');

    const other = judge === 'client' ? pair.server : pair.client;
    const told = await other.until((entry) => entry['handshake'] === line['handshake'] && entry.msg === 'handshake failed');
    t.equal(told.reason, 'peer_refused', 'the peer learns nothing but the end, under the same handshake id');
    t.notOk(told.detail, 'without details');
  });
}

await t.test('nothing of it all is in the log but names', async (t) => {
  const pki = await makePki(t);
  const key = readFileSync(pki.client.keyFile as string, 'utf8').split('\n')[1] as string;
  const app = await application(t, 'tcp', (stream) => stream.pipe(stream));
  const pair = await startPair(t, { pki, target: app.url, both: { log: { level: 'trace' } } });
  const stream = await connectTo(t, pair.url);
  stream.write('confidential text');
  await new Promise((resolve) => stream.once('data', resolve));
  for (const side of [pair.client, pair.server]) {
    const text = side.tail(1000);
    t.notMatch(text, 'confidential', 'no plaintext');
    t.notOk(text.includes(key), 'no key');
  }
});
