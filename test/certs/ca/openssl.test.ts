// OpenSSL judges what the development CA makes.
import t from 'tap';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Authority } from '../../../certs/ca/authority.ts';
import { startOcspResponder } from '../../../certs/ca/ocsp-responder.ts';
import { readSigningRequest } from '../../../certs/ca/signing-request.ts';
import { KEY_TYPES } from '../../../engines/key-generation.ts';
import { refusal } from '../../support/refusal.ts';
import { openssl, opensslAsync, withoutOpenssl } from '../../support/openssl.ts';

const SKIP = { skip: withoutOpenssl };

for (const keyType of KEY_TYPES) {
  t.test(`openssl verify accepts and refuses ${keyType} chains with CRLs for every certificate`, SKIP, async (t) => {
    const cwd = t.testdir();
    const root = await Authority.create(join(cwd, 'root'), { name: 'Root', keyType });
    const sub = await Authority.create(join(cwd, 'sub'), {
      name: 'Sub',
      keyType,
      parent: root,
      constraints: { permitted: ['dns:example.org', 'uri:.example.org', 'ip:10.0.0.0/8'], excluded: ['dns:bad.example.org'] },
    });
    await sub.issue({ name: 'good', dns: ['a.example.org'], uris: ['https://a.example.org/x'], ips: ['10.1.2.3'], keyType });
    await sub.issue({ name: 'revoked', dns: ['b.example.org'], keyType });
    await sub.revoke('revoked', 'keyCompromise');
    await sub.issue({ name: 'quietly', dns: ['c.example.org'], keyType });
    await sub.revoke('quietly');
    await sub.crl();
    writeFileSync(join(cwd, 'crls.pem'), readFileSync(root.crlFile, 'utf8') + readFileSync(sub.crlFile, 'utf8'));

    const verify = (name: string) =>
      openssl(['verify', '-x509_strict', '-crl_check_all', '-CAfile', 'root/ca.pem', '-CRLfile', 'crls.pem', '-untrusted', 'sub/ca.pem', `sub/issued/${name}.pem`], { cwd });
    t.match(verify('good'), { status: 0 });
    t.match(verify('revoked'), { status: 2, output: /certificate revoked/ });
    t.match(verify('quietly'), { status: 2, output: /certificate revoked/ });

    await root.revoke('Sub', 'cACompromise');
    await root.crl();
    writeFileSync(join(cwd, 'crls.pem'), readFileSync(root.crlFile, 'utf8') + readFileSync(sub.crlFile, 'utf8'));
    t.match(verify('good'), { status: 2, output: /error 23 at 1 depth lookup: certificate revoked/ });
  });
}

t.test('openssl reads a delta CRL on top of its base', SKIP, async (t) => {
  const cwd = t.testdir();
  const authority = await Authority.create(join(cwd, 'pki'), { name: 'Example CA', urls: { deltaCrl: 'http://crl.test/delta' } });
  await authority.issue({ name: 'orders' });
  await authority.issue({ name: 'billing' });
  await authority.revoke('orders');
  await authority.deltaCrl();
  writeFileSync(join(cwd, 'crls.pem'), readFileSync(authority.crlFile, 'utf8') + readFileSync(join(cwd, 'pki/delta-crl.pem'), 'utf8'));
  const verify = (name: string) => openssl(['verify', '-crl_check', '-extended_crl', '-use_deltas', '-CAfile', 'pki/ca.pem', '-CRLfile', 'crls.pem', `pki/issued/${name}.pem`], { cwd });
  t.match(verify('billing'), { status: 0 });
  t.match(verify('orders'), { status: 2, output: /certificate revoked/ });
  t.match(openssl(['crl', '-in', 'pki/delta-crl.pem', '-noout', '-text', '-CAfile', 'pki/ca.pem'], { cwd }).output, /Delta CRL Indicator: critical\s+1/);
});

t.test('openssl accepts the key and certificate for a request that it made', SKIP, async (t) => {
  const cwd = t.testdir();
  const authority = await Authority.create(join(cwd, 'pki'), { name: 'Example CA' });
  const kinds: readonly (readonly [string, readonly string[]])[] = [
    ['rsa', ['-newkey', 'rsa:2048']],
    ['p256', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']],
    ['p384', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384']],
    ['ed25519', ['-newkey', 'ed25519']],
  ];
  for (const [name, key] of kinds) {
    const made = openssl(['req', '-new', '-nodes', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}.test,URI:spiffe://a.test/${name},IP:10.0.0.7`], { cwd });
    t.equal(made.status, 0, made.output);
    const { spki, names } = await readSigningRequest(readFileSync(join(cwd, `${name}.csr`), 'utf8'), `${name}.csr`);
    t.same(names, { dns: [`${name}.test`], uris: [`spiffe://a.test/${name}`], ips: ['10.0.0.7'], emails: [] });
    await authority.issue({ name, spki, ...names });
    t.match(openssl(['verify', '-x509_strict', '-CAfile', 'pki/ca.pem', `pki/issued/${name}.pem`], { cwd }), { status: 0 });
    const publicKeys = [openssl(['pkey', '-in', `${name}.key`, '-pubout'], { cwd }), openssl(['x509', '-in', `pki/issued/${name}.pem`, '-noout', '-pubkey'], { cwd })];
    t.equal(publicKeys[0]?.output, publicKeys[1]?.output);
  }

  // The last byte belongs to the signature, and stays well-formed.
  const der = Buffer.from(readFileSync(join(cwd, 'p256.csr'), 'utf8').replaceAll(/-----.*-----|\s/g, ''), 'base64');
  der.writeUInt8(der.readUInt8(der.length - 1) ^ 1, der.length - 1);
  const forged = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
  await t.rejects(readSigningRequest(forged, 'forged.csr'), refusal('ca_request_invalid', /not signed with the key/));
  await t.rejects(readSigningRequest('nothing', 'nothing.csr'), refusal('ca_request_invalid', /no certificate request in PEM form/));
});

for (const keyType of KEY_TYPES) {
  for (const isDelegated of [false, true]) {
    t.test(`openssl ocsp believes the ${isDelegated ? 'delegated ' : ''}responder with ${keyType} keys`, SKIP, async (t) => {
      const cwd = t.testdir();
      const authority = await Authority.create(join(cwd, 'pki'), { name: 'Example CA', keyType });
      await authority.issue({ name: 'good' });
      await authority.issue({ name: 'revoked' });
      await authority.revoke('revoked', 'superseded');
      if (isDelegated) await authority.issue({ name: 'responder', purpose: 'ocsp', keyType });
      const stranger = await Authority.create(join(cwd, 'stranger'), { name: 'Example CA' });
      await stranger.issue({ name: 'alien' });

      await using responder = await startOcspResponder(await authority.ocsp(isDelegated ? { responder: 'responder' } : {}));
      const ask = async (cert: string, ...more: string[]) =>
        opensslAsync(['ocsp', '-url', `http://127.0.0.1:${responder.port}`, '-CAfile', 'pki/ca.pem', '-issuer', 'pki/ca.pem', ...more, '-cert', cert], { cwd });
      const good = await ask('pki/issued/good.pem');
      t.match(good.output, /Response verify OK/);
      t.match(good.output, /good.pem: good/);
      t.notMatch(good.output, /no nonce/, 'the nonce comes back');
      t.match((await ask('pki/issued/revoked.pem')).output, /revoked.pem: revoked[^]*Reason: superseded/);
      t.match((await ask('pki/issued/good.pem', '-sha256')).output, /good.pem: good/, 'named by SHA-256');
      t.match((await ask('stranger/issued/alien.pem')).output, /alien.pem: unknown/, 'a serial number that the CA never gave');
      const other = await opensslAsync(['ocsp', '-url', `http://127.0.0.1:${responder.port}`, '-issuer', 'stranger/ca.pem', '-cert', 'stranger/issued/alien.pem'], { cwd });
      t.match(other.output, /unauthorized/, 'another CA');
      t.equal(responder.answered, 5);
    });
  }
}

t.test('openssl believes an answer from a file', SKIP, async (t) => {
  const cwd = t.testdir();
  const authority = await Authority.create(join(cwd, 'pki'), { name: 'Example CA' });
  await authority.issue({ name: 'orders' });
  const answers = await authority.ocsp({ hours: 2 });
  writeFileSync(join(cwd, 'orders.ocsp'), answers.answerFor(await authority.find('orders')));
  const { output } = openssl(['ocsp', '-respin', 'orders.ocsp', '-CAfile', 'pki/ca.pem', '-issuer', 'pki/ca.pem', '-cert', 'pki/issued/orders.pem'], { cwd });
  t.match(output, /Response verify OK/);
  t.match(output, /orders.pem: good/);
});
