// Revocation learnt over the network: distribution points, responders, staples; served honestly and otherwise.
import t from 'tap';
import { readFileSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { Authority } from '../../certs/ca/authority.ts';
import type { Issued } from '../../certs/ca/requests.ts';
import type { TrustChange } from '../../certs/contract.ts';
import { openCredentialFiles } from '../../certs/credential-files.ts';
import { systemClock } from '../../base/clock.ts';
import { httpServer, type HttpServer } from '../support/http-server.ts';
import { openssl, withoutOpenssl } from '../support/openssl.ts';
import { refusal } from '../support/refusal.ts';
import { crypto } from '../support/test-crypto.ts';
import { derOf, judged, presented, testTrust, until } from '../support/trust.ts';

interface Site extends HttpServer {
  /** What the server does now. */
  answer: RequestListener;
}

/** A server whose behaviour changes during a test. */
async function site(t: { teardown(end: () => void): void }): Promise<Site> {
  const made = { answer: ((_, response) => void response.writeHead(404).end()) as RequestListener };
  const server = await httpServer(t, (request, response) => made.answer(request, response));
  return Object.assign(made, server);
}

const serve = (bytes: Uint8Array | string): RequestListener => (_, response) => void response.end(bytes);

async function ocspOf(authority: Authority): Promise<RequestListener> {
  const answers = await authority.ocsp();
  return (request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => void answers.answer(Buffer.concat(parts)).then((answer) => response.end(answer)));
  };
}

interface World {
  readonly dir: string;
  readonly crls: Site;
  readonly responder: Site;
  readonly authority: Authority;
  readonly ROOT: string;
  readonly leaf: Issued;
}

async function world(t: { teardown(end: () => void): void; testdir(): string }): Promise<World> {
  const dir = t.testdir();
  const crls = await site(t);
  const responder = await site(t);
  const authority = await Authority.create(join(dir, 'root'), {
    name: 'Root',
    keyType: 'p256',
    urls: { crl: `${crls.url}/root.crl`, ocsp: `${responder.url}/ocsp` },
  });
  const leaf = await authority.issue({ name: 'a', dns: ['a.example.org'], keyType: 'p256' });
  return { dir, crls, responder, authority, ROOT: join(dir, 'root', 'ca.pem'), leaf };
}

const crlOf = async (authority: Authority): Promise<Uint8Array> => derOf((await authority.crl()).pem)[0] as Uint8Array;
const quickly = { refreshTiming: { shortestMs: 100, longestMs: 200 } };

t.test('a CRL is fetched when a verdict needs it, once, and again in time', async (t) => {
  const { crls, authority, ROOT, leaf } = await world(t);
  crls.answer = serve(await crlOf(authority));
  const { trust } = await testTrust(t, { bundles: [ROOT], revocation: { fetchCrls: true } }, quickly);
  const changes: TrustChange[] = [];
  trust.onChange((change) => changes.push(change));
  await Promise.all([judged(trust, presented(leaf)), judged(trust, presented(leaf)), judged(trust, presented(leaf), undefined, 'client')]);
  t.equal(crls.requests.length, 1);
  t.match(trust.status.crls, [{ source: `${crls.url}/root.crl` }]);

  await authority.revoke('a');
  crls.answer = serve((await authority.crl()).pem);
  await until('the new CRL is fetched by itself', () => changes.filter((change) => change === 'crl').length >= 2);
  await t.rejects(judged(trust, presented(leaf)), refusal('certificate_revoked'));
});

t.test('nothing is fetched unless the configuration says so, nor for strangers', async (t) => {
  const { dir, crls, responder, authority, ROOT, leaf } = await world(t);
  crls.answer = serve(await crlOf(authority));
  const { trust } = await testTrust(t, { bundles: [ROOT], revocation: { mode: 'hard' } });
  await t.rejects(judged(trust, presented(leaf)), refusal('certificate_status_unknown'));
  const other = await Authority.create(join(dir, 'other'), { name: 'Other', keyType: 'p256' });
  const { trust: asking } = await testTrust(t, { bundles: [other.certFile], revocation: { fetchCrls: true, ocsp: { query: true } } });
  await t.rejects(judged(asking, presented(leaf)), refusal('certificate_untrusted'));
  t.same([crls.requests, responder.requests], [[], []]);
});

t.test('a point that lies, breaks or hangs is unknown status: refused or counted, never believed', async (t) => {
  const { dir, crls, authority, ROOT, leaf } = await world(t);
  const real = await crlOf(authority);
  const imposter = await Authority.create(join(dir, 'imposter'), { name: 'Root', keyType: 'p256' });
  const kinds: Record<string, RequestListener> = {
    'signed by somebody else': serve(await crlOf(imposter)),
    'changed': serve(Uint8Array.from(real, (byte, i) => (i === real.length - 1 ? byte ^ 1 : byte))),
    'HTML': serve('<html>login</html>'),
    'empty': serve(''),
    'cut': serve(real.subarray(0, real.length - 3)),
    'an error': (_, response) => void response.writeHead(503).end(),
  };
  for (const [kind, answer] of Object.entries(kinds)) {
    crls.answer = answer;
    const { trust } = await testTrust(t, { bundles: [ROOT], revocation: { fetchCrls: true } });
    await t.rejects(judged(trust, presented(leaf)), refusal('certificate_status_unknown', /root\.crl/), kind);
    t.same(trust.status.crls, [], kind);
    const { trust: soft } = await testTrust(t, { bundles: [ROOT], revocation: { mode: 'soft', fetchCrls: true } });
    t.ok((await judged(soft, presented(leaf))).isStatusUnknown, kind);
  }
});

t.test('a point that fails is left alone for a while, and the last good CRL stays', async (t) => {
  const { crls, authority, ROOT, leaf } = await world(t);
  crls.answer = serve(await crlOf(authority));
  const { trust } = await testTrust(t, { bundles: [ROOT], revocation: { fetchCrls: true } }, quickly);
  t.ok(await judged(trust, presented(leaf)));
  crls.answer = (_, response) => void response.writeHead(500).end();
  const before = crls.requests.length;
  await until('it was tried again', () => crls.requests.length > before);
  t.ok(await judged(trust, presented(leaf)), 'offline, the last good one counts until it ends');
  const { trust: fresh } = await testTrust(t, { bundles: [ROOT], revocation: { fetchCrls: true } });
  const tries = crls.requests.length;
  for (let i = 0; i < 5; i += 1) {
    const other = await authority.issue({ name: `x${i}`, dns: ['a.example.org'], keyType: 'p256' });
    await t.rejects(judged(fresh, presented(other)), refusal('certificate_status_unknown', /answer 500/));
  }
  t.ok(crls.requests.length - tries <= 2, 'five peers are not five requests');
});

t.test('a point that serves an older CRL does not bring it back', async (t) => {
  const { crls, authority, ROOT, leaf } = await world(t);
  const old = await crlOf(authority);
  await authority.revoke('a');
  crls.answer = serve(await crlOf(authority));
  const { trust, events } = await testTrust(t, { bundles: [ROOT], revocation: { fetchCrls: true } }, quickly);
  await t.rejects(judged(trust, presented(leaf)), refusal('certificate_revoked'));
  crls.answer = serve(old);
  await until('the roll-back is noticed', () => events.some(({ error }) => error?.reason === 'crl_rolled_back'));
  await t.rejects(judged(trust, presented(leaf)), refusal('certificate_revoked'));
});

t.test('a responder is asked when a verdict needs it, and its answer is kept', async (t) => {
  const { responder, authority, ROOT, leaf } = await world(t);
  responder.answer = await ocspOf(authority);
  const { trust } = await testTrust(t, { bundles: [ROOT], revocation: { ocsp: { query: true } } });
  await Promise.all([judged(trust, presented(leaf)), judged(trust, presented(leaf))]);
  t.ok(await judged(trust, presented(leaf)));
  t.equal(responder.requests.length, 1);
  await authority.revoke('a');
  responder.answer = await ocspOf(authority);
  const { trust: later } = await testTrust(t, { bundles: [ROOT], revocation: { ocsp: { query: true } } });
  await t.rejects(judged(later, presented(leaf)), refusal('certificate_revoked'));
});

t.test('an answer that turns into revoked reaches whoever is open', async (t) => {
  const { responder, authority, ROOT, leaf } = await world(t);
  responder.answer = await ocspOf(authority);
  const { trust } = await testTrust(t, { bundles: [ROOT], revocation: { ocsp: { query: true } } }, quickly);
  const changes: TrustChange[] = [];
  trust.onChange((change) => changes.push(change));
  t.ok(await judged(trust, presented(leaf)));
  const before = responder.requests.length;
  await until('it is asked again in time', () => responder.requests.length > before);
  t.same(changes.filter((change) => change === 'ocsp'), [], 'another good answer is no change');
  await authority.revoke('a');
  responder.answer = await ocspOf(authority);
  await until('the change is told', () => changes.includes('ocsp'));
  await t.rejects(judged(trust, presented(leaf)), refusal('certificate_revoked'));
});

t.test('a responder that lies, breaks or hangs says nothing', async (t) => {
  const { dir, responder, ROOT, leaf } = await world(t);
  const imposter = await Authority.create(join(dir, 'imposter'), { name: 'Root', keyType: 'p256' });
  const kinds: Record<string, RequestListener> = {
    'signed by somebody else': await ocspOf(imposter),
    'noise': serve('noise'),
    'tryLater': serve(Buffer.from('30030a0103', 'hex')),
    'an error': (_, response) => void response.writeHead(500).end(),
  };
  for (const [kind, answer] of Object.entries(kinds)) {
    responder.answer = answer;
    const { trust } = await testTrust(t, { bundles: [ROOT], revocation: { ocsp: { query: true } } });
    await t.rejects(judged(trust, presented(leaf)), refusal('certificate_status_unknown', /ocsp/), kind);
  }
});

t.test('servers that hang hold a handshake up for seconds only, and one that was asked again for nothing', async (t) => {
  const { crls, responder, ROOT, leaf } = await world(t);
  crls.answer = () => {};
  responder.answer = (_, response) => void response.write('x');
  const { trust } = await testTrust(t, { bundles: [ROOT], revocation: { fetchCrls: true, ocsp: { query: true } } });
  const before = performance.now();
  await t.rejects(judged(trust, presented(leaf)), refusal('certificate_status_unknown'));
  t.ok(performance.now() - before < 8000);
  t.equal(responder.requests.length, 1);
});

t.test('an answer to another question of the same client is refused by its nonce', async (t) => {
  const { responder, authority, ROOT, leaf } = await world(t);
  let kept: Buffer | undefined;
  const answers = await authority.ocsp();
  responder.answer = (request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => void answers.answer(Buffer.concat(parts)).then((answer) => {
      kept ??= Buffer.from(answer);
      response.end(kept);
    }));
  };
  const { trust } = await testTrust(t, { bundles: [ROOT], revocation: { ocsp: { query: true } } });
  t.ok(await judged(trust, presented(leaf)));
  const { trust: replayed } = await testTrust(t, { bundles: [ROOT], revocation: { ocsp: { query: true } } });
  await t.rejects(judged(replayed, presented(leaf)), refusal('certificate_status_unknown', /nonce/));
});

t.test('our own credential carries a staple, which a peer accepts and can demand', async (t) => {
  const { dir, responder, authority, ROOT, leaf } = await world(t);
  responder.answer = await ocspOf(authority);
  const { trust } = await testTrust(t, { bundles: [ROOT], revocation: { ocsp: { requireStaple: true } } }, quickly);
  const source = await openCredentialFiles({ certFile: leaf.certFile, keyFile: leaf.keyFile as string }, { crypto, clock: systemClock });
  t.teardown(() => source[Symbol.dispose]());
  await t.rejects(judged(trust, source.current.presented), refusal('certificate_status_unknown'));
  let changes = 0;
  source.onChange(() => { changes += 1; });
  await source.staple(trust.staples as NonNullable<typeof trust.staples>);
  t.equal(changes, 1);
  t.ok(source.current.presented.staple.length > 0);
  t.ok(await judged(trust, source.current.presented));
  const { chain, staple } = source.current.presented;
  await t.rejects(judged(trust, { chain, staple: Uint8Array.from(staple, (byte, i) => (i === staple.length - 1 ? byte ^ 1 : byte)) }), { name: 'XpsError' });
  await t.rejects(judged(trust, { chain, staple: Buffer.from('noise') }), refusal('certificate_malformed'));

  await until('it is renewed before it ends', () => changes >= 2);

  const withCrl = join(dir, 'crl.pem');
  writeFileSync(withCrl, (await authority.crl()).pem);
  const { trust: demanding } = await testTrust(t, { bundles: [ROOT], revocation: { crl: [withCrl], ocsp: { requireStaple: true } } });
  await t.rejects(judged(demanding, { chain, staple: new Uint8Array(0) }), refusal('staple_required', /brought none/), 'a CRL replaces no staple');
  t.ok(await judged(demanding, source.current.presented));

  const { trust: deaf } = await testTrust(t, { bundles: [ROOT], revocation: { ocsp: { staple: false } } });
  t.equal(deaf.staples, undefined);
  await t.rejects(judged(deaf, source.current.presented), refusal('certificate_status_unknown'), 'staple: false takes none into account');
});

t.test('no staple is presented that a peer would refuse', async (t) => {
  const { dir, responder, authority, ROOT, leaf } = await world(t);
  const imposter = await Authority.create(join(dir, 'imposter'), { name: 'Root', keyType: 'p256' });
  responder.answer = await ocspOf(imposter);
  const { trust } = await testTrust(t, { bundles: [ROOT], revocation: { mode: 'soft' } });
  const failures: Error[] = [];
  const source = await openCredentialFiles({ certFile: leaf.certFile, keyFile: leaf.keyFile as string }, { crypto, clock: systemClock });
  t.teardown(() => source[Symbol.dispose]());
  source.onFailure((error) => failures.push(error));
  const fetcher = trust.staples as NonNullable<typeof trust.staples>;
  await source.staple(fetcher);
  t.equal(source.current.presented.staple.length, 0);
  t.match(failures, [refusal('status_fetch_failed')]);
  await authority.revoke('a');
  responder.answer = await ocspOf(authority);
  await t.rejects(fetcher.fetchStaple(source.current.presented.chain), refusal('certificate_revoked', /our own/));
  const silent = await Authority.create(join(dir, 'silent'), { name: 'Silent', keyType: 'p256' });
  const plain = await silent.issue({ name: 'plain', dns: ['a.example.org'] });
  t.equal(await fetcher.fetchStaple(presented(plain).chain), undefined, 'no responder is named: no staple, no failure');
});

t.test('openssl ocsp as a responder: good, revoked, and delegated', { skip: withoutOpenssl }, async (t) => {
  const cwd = t.testdir({ 'index.txt': '', 'ext.cnf': '' });
  const responder = await site(t);
  writeFileSync(join(cwd, 'ext.cnf'), [
    '[root]', 'basicConstraints=critical,CA:true', 'keyUsage=critical,keyCertSign,cRLSign', 'subjectKeyIdentifier=hash',
    '[leaf]', 'subjectAltName=DNS:a.example.org', 'keyUsage=critical,digitalSignature', 'extendedKeyUsage=serverAuth,clientAuth', `authorityInfoAccess=OCSP;URI:${responder.url}/`, 'authorityKeyIdentifier=keyid', 'subjectKeyIdentifier=hash',
    '[signer]', 'keyUsage=critical,digitalSignature', 'extendedKeyUsage=OCSPSigning', 'noCheck=ignored', 'authorityKeyIdentifier=keyid', 'subjectKeyIdentifier=hash',
    '[req]', 'distinguished_name=dn', '[dn]', '',
  ].join('\n'));
  const run = (...args: readonly string[]): void => {
    const { status, output } = openssl(args, { cwd });
    if (status !== 0) t.fail(output);
  };
  run('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '30', '-subj', '/CN=OpenSSL Root', '-config', 'ext.cnf', '-extensions', 'root');
  for (const [name, serial] of [['leaf', '4096'], ['signer', '4097']] as const) {
    run('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`, '-config', 'ext.cnf');
    run('x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-set_serial', serial, '-days', '20', '-extfile', 'ext.cnf', '-extensions', name, '-out', `${name}.pem`);
  }
  const index = (state: string): void => writeFileSync(join(cwd, 'index.txt'), `${state}\t1000\tunknown\t/CN=leaf\n`);
  let signer = 'ca';
  responder.answer = (request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      writeFileSync(join(cwd, 'request.der'), Buffer.concat(parts));
      run('ocsp', '-index', 'index.txt', '-CA', 'ca.pem', '-rsigner', `${signer}.pem`, '-rkey', `${signer}.key`, '-reqin', 'request.der', '-respout', 'response.der', '-ndays', '1');
      response.end(readFileSync(join(cwd, 'response.der')));
    });
  };
  const leaf = { chain: derOf(readFileSync(join(cwd, 'leaf.pem'), 'utf8')), staple: new Uint8Array(0) };
  const verdict = async (): Promise<unknown> => judged((await testTrust(t, { bundles: [join(cwd, 'ca.pem')], revocation: { ocsp: { query: true } } })).trust, leaf);
  for (signer of ['ca', 'signer']) {
    index('V\t401231235959Z\t');
    t.ok(await verdict(), `good, by ${signer}`);
    index('R\t401231235959Z\t260101000000Z,keyCompromise');
    await t.rejects(verdict(), refusal('certificate_revoked'), `revoked, by ${signer}`);
    writeFileSync(join(cwd, 'index.txt'), '');
    await t.rejects(verdict(), refusal('certificate_status_unknown'), `unknown, by ${signer}`);
  }
  index('V\t401231235959Z\t');
  signer = 'leaf';
  await t.rejects(verdict(), refusal('certificate_status_unknown'), 'a leaf of the same CA is no responder');
  signer = 'ca';
  const { trust } = await testTrust(t, { bundles: [join(cwd, 'ca.pem')], revocation: { mode: 'hard' } });
  const source = await openCredentialFiles({ certFile: join(cwd, 'leaf.pem'), keyFile: join(cwd, 'leaf.key') }, { crypto, clock: systemClock });
  t.teardown(() => source[Symbol.dispose]());
  await source.staple(trust.staples as NonNullable<typeof trust.staples>);
  t.ok(await judged(trust, source.current.presented), 'and its answer can be stapled');
});
