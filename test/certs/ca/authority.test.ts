import t, { type Test } from 'tap';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toHex } from '../../../base/bytes.ts';
import type { Reason } from '../../../base/reasons.ts';
import { Authority } from '../../../certs/ca/authority.ts';
import { parseCertificate } from '../../../certs/certificate.ts';
import { parseCrl } from '../../../certs/crl.ts';
import { readPem } from '../../../certs/pem.ts';
import { KEY_TYPES } from '../../../engines/key-generation.ts';
import { createCrypto } from '../../../engines/registry.ts';
import { refusal } from '../../support/refusal.ts';

const DAY_MS = 86_400_000;
const crypto = createCrypto({ engine: 'openssl', forbid: [] });

const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);
const certificatesOf = (path: string) => readPem(readFileSync(path, 'utf8'), ['CERTIFICATE']).map(({ der }) => parseCertificate(der));
const leafOf = (path: string) => certificatesOf(path)[0] as ReturnType<typeof parseCertificate>;

function clockAt(ms: number): { wallMs(): number; monotonicMs(): number } {
  return { wallMs: () => ms, monotonicMs: () => ms };
}

async function refused(t: Test, reason: Reason, detail: RegExp, work: Promise<unknown>): Promise<void> {
  await t.rejects(work, refusal(reason, detail), `${reason} ${detail}`);
}

t.test('a CA is one private folder', async (t) => {
  const dir = join(t.testdir(), 'pki');
  const authority = await Authority.create(dir, { name: 'Example CA' });
  const { certFile, keyFile } = await authority.issue({ name: 'orders', uris: ['spiffe://example.org/orders'] });

  t.equal(mode(dir), '700');
  t.equal(mode(join(dir, 'ca.key')), '600');
  t.equal(mode(keyFile as string), '600');
  t.same(readdirSync(dir).toSorted(), ['ca.json', 'ca.key', 'ca.pem', 'crl.pem', 'index.jsonl', 'issued'], 'nothing temporary stays');
  t.same(readdirSync(join(dir, 'issued')).toSorted(), ['orders.key', 'orders.pem']);
  t.equal(leafOf(certFile).subject.text, 'CN=orders');

  const again = await Authority.open(dir);
  t.same((await again.issued()).map(({ name }) => name), ['orders'], 'and has everything to go on with');
});

t.test('a folder in which others may write is no place for a CA', async (t) => {
  const dir = t.testdir({});
  chmodSync(dir, 0o777);
  await refused(t, 'ca_folder_unusable', /chmod 700/, Authority.create(dir, { name: 'Example CA' }));
});

t.test('a key that others may read is not used', async (t) => {
  const dir = join(t.testdir(), 'pki');
  await Authority.create(dir, { name: 'Example CA' });
  chmodSync(join(dir, 'ca.key'), 0o644);
  await refused(t, 'ca_folder_unusable', /may be read by other users/, Authority.open(dir));
});

t.test('what is missing or does not belong together is said', async (t) => {
  const folder = t.testdir({ empty: {}, broken: { 'ca.json': '{}' } });
  await refused(t, 'ca_missing', /nowhere/, Authority.open(join(folder, 'nowhere')));
  await refused(t, 'ca_missing', /empty/, Authority.open(join(folder, 'empty')));
  await refused(t, 'ca_folder_unusable', /ca\.json is not what pki init wrote/, Authority.open(join(folder, 'broken')));

  const [one, two] = [join(folder, 'one'), join(folder, 'two')];
  await Authority.create(one, { name: 'One' });
  await Authority.create(two, { name: 'Two' });
  writeFileSync(join(one, 'ca.pem'), readFileSync(join(two, 'ca.pem')));
  await refused(t, 'ca_folder_unusable', /do not belong together/, Authority.open(one));

  writeFileSync(join(two, 'index.jsonl'), '{"serial":"zz"}\n');
  const authority = await Authority.open(two);
  await refused(t, 'ca_folder_unusable', /index\.jsonl:1 is no record/, authority.issued());
});

t.test('no key is overwritten unless that is asked for', async (t) => {
  const dir = join(t.testdir(), 'pki');
  const authority = await Authority.create(dir, { name: 'Example CA' });
  await authority.issue({ name: 'orders' });
  const keys = [readFileSync(join(dir, 'ca.key'), 'utf8'), readFileSync(join(dir, 'issued/orders.key'), 'utf8')];

  await refused(t, 'ca_exists', /ca\.key/, Authority.create(dir, { name: 'Example CA' }));
  await refused(t, 'ca_exists', /orders\.pem/, authority.issue({ name: 'orders' }));
  t.same([readFileSync(join(dir, 'ca.key'), 'utf8'), readFileSync(join(dir, 'issued/orders.key'), 'utf8')], keys);

  await authority.issue({ name: 'orders', force: true });
  t.not(readFileSync(join(dir, 'issued/orders.key'), 'utf8'), keys[1]);
});

for (const keyType of KEY_TYPES) {
  t.test(`${keyType} certificates follow the profile and carry the key that lies beside them`, async (t) => {
    const authority = await Authority.create(join(t.testdir(), 'pki'), { name: 'Example CA', keyType });
    const { certFile, keyFile, serial } = await authority.issue({ name: 'orders', dns: ['orders.test'], ips: ['10.0.0.7', '2001:db8::1'], keyType });
    const leaf = leafOf(certFile);
    const { extensions } = leaf;
    const key = crypto.signature.loadSigningKey(readFileSync(keyFile as string, 'utf8'));

    t.equal(toHex(leaf.spki), toHex(key.spki));
    t.equal(leaf.publicKey.algorithm, keyType);
    t.equal(leaf.version, 3);
    t.equal(toHex(leaf.serial), serial);
    t.match(serial, /^[4-7][0-9a-f]{39}$/, 'twenty octets, positive');
    t.same([...(extensions.keyUsage ?? [])], ['digitalSignature']);
    t.same([...(extensions.extendedKeyUsage ?? [])].toSorted(), ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    t.equal(extensions.basicConstraints?.isCa, false);
    t.equal(toHex(extensions.authorityKeyId?.keyId as Uint8Array), toHex(leafOf(authority.certFile).extensions.subjectKeyId as Uint8Array));

    const ca = leafOf(authority.certFile);
    t.same([...(ca.extensions.keyUsage ?? [])], ['digitalSignature', 'keyCertSign', 'cRLSign']);
    t.equal(ca.extensions.basicConstraints?.isCa, true);
    t.equal(ca.extensions.basicConstraints?.isCritical, true);
  });
}

t.test('serial numbers do not repeat', async (t) => {
  const authority = await Authority.create(join(t.testdir(), 'pki'), { name: 'Example CA' });
  const serials = await Promise.all(Array.from({ length: 12 }, async (_, i) => (await authority.issue({ name: `service-${i}` })).serial));
  t.equal(new Set(serials).size, 12);
  t.equal((await authority.issued()).length, 12, 'and issuing at the same time loses no record');
});

t.test('names: given, taken from the label, or refused', async (t) => {
  const authority = await Authority.create(join(t.testdir(), 'pki'), { name: 'Example CA' });
  const names = async (request: Parameters<Authority['issue']>[0]) => (await authority.issue(request)).names;
  t.same((await names({ name: 'orders.test' })).dns, ['orders.test']);
  t.same((await names({ name: 'explicitly none', dns: [] })).dns, []);
  t.same((await names({ name: 'mail', emails: ['ops@example.org'] })).dns, [], 'the label is no name once others are given');

  const wrong: readonly (readonly [RegExp, Omit<Parameters<Authority['issue']>[0], 'name'>])[] = [
    [/"-bad" is no DNS name/, { dns: ['-bad'] }],
    [/"10.0.0.1" is no DNS name/, { dns: ['10.0.0.1'] }],
    [/"not a uri" is no absolute URI/, { uris: ['not a uri'] }],
    [/"1.2.3" is no IP address/, { ips: ['1.2.3'] }],
    [/"fe80::1::2" is no IP address/, { ips: ['fe80::1::2'] }],
    [/"nobody" is no e-mail address/, { emails: ['nobody'] }],
    [/no other URI/, { uris: ['spiffe://a.test/x', 'https://a.test/'] }],
  ];
  for (const [detail, request] of wrong) await refused(t, 'ca_request_invalid', detail, authority.issue({ name: 'wrong', ...request }));
  await refused(t, 'ca_request_invalid', /1 to 64 characters/, authority.issue({ name: 'x'.repeat(65) }));
  await refused(t, 'ca_request_invalid', /invisible/, authority.issue({ name: 'a\u0000b' }));
  t.same((await authority.issued()).length, 3, 'a refusal leaves no trace');
});

t.test('a label never leads out of the folder', async (t) => {
  const folder = t.testdir();
  const authority = await Authority.create(join(folder, 'pki'), { name: 'Example CA' });
  await authority.issue({ name: '../../escaped', dns: ['a.test'] });
  await authority.issue({ name: '..', dns: ['a.test'] });
  t.same(readdirSync(folder), ['pki']);
  t.same(readdirSync(join(folder, 'pki/issued')).filter((file) => file.endsWith('.pem')).toSorted(), ['_...pem', '_.._.._escaped.pem']);
});

t.test('times: whole seconds, never beyond the CA', async (t) => {
  const now = Date.UTC(2030, 0, 1, 12, 0, 0, 700);
  const authority = await Authority.create(join(t.testdir(), 'pki'), { name: 'Example CA', days: 10, clock: clockAt(now) });
  const leaf = leafOf((await authority.issue({ name: 'short', days: 0.5 })).certFile);
  t.equal(leaf.notAfterMs, Date.UTC(2030, 0, 2));
  t.equal(leaf.notBeforeMs, Date.UTC(2030, 0, 1, 11, 59), 'a minute for the clocks of others');
  t.equal(leafOf((await authority.issue({ name: 'default' })).certFile).notAfterMs, authority.certificate.notAfter.getTime(), 'the default is cut');
  await refused(t, 'ca_request_invalid', /reach beyond the end of the CA/, authority.issue({ name: 'long', days: 11 }));
  await refused(t, 'ca_request_invalid', /no number of days/, authority.issue({ name: 'none', days: 0 }));

  const late = await Authority.open(join(authority.certFile, '..'), { clock: clockAt(now + 11 * DAY_MS) });
  await refused(t, 'ca_request_invalid', /the CA itself expired/, late.issue({ name: 'late' }));
});

t.test('dates from 2050 on are written as RFC 5280 wants', async (t) => {
  const authority = await Authority.create(join(t.testdir(), 'pki'), { name: 'Example CA', clock: clockAt(Date.UTC(2049, 11, 31)) });
  t.equal(leafOf((await authority.issue({ name: 'orders', days: 2 })).certFile).notAfterMs, Date.UTC(2050, 0, 2));
});

t.test('renewal keeps names and purpose, with a new key or the old one', async (t) => {
  const authority = await Authority.create(join(t.testdir(), 'pki'), { name: 'Example CA' });
  const first = await authority.issue({ name: 'orders', dns: ['orders.test'], purpose: 'server', mustStaple: true, keyType: 'ed25519' });
  const before = leafOf(first.certFile);

  const second = await authority.renew('orders', { days: 30 });
  const renewed = leafOf(second.certFile);
  t.equal(second.certFile, first.certFile);
  t.not(second.serial, first.serial);
  t.not(toHex(renewed.spki), toHex(before.spki));
  t.equal(renewed.publicKey.algorithm, 'ed25519');
  t.same(renewed.extensions.subjectAltNames, before.extensions.subjectAltNames);
  t.same(renewed.extensions.extendedKeyUsage, before.extensions.extendedKeyUsage);
  t.equal(renewed.extensions.mustStaple, true);
  t.equal(toHex(crypto.signature.loadSigningKey(readFileSync(second.keyFile as string, 'utf8')).spki), toHex(renewed.spki));

  const third = leafOf((await authority.renew('orders', { keepKey: true })).certFile);
  t.equal(toHex(third.spki), toHex(renewed.spki));

  await authority.revoke('orders');
  await refused(t, 'ca_request_invalid', /is revoked/, authority.renew('orders'));
  await refused(t, 'ca_certificate_unknown', /nobody/, authority.renew('nobody'));
});

t.test('a certificate for a key that was made elsewhere', async (t) => {
  const authority = await Authority.create(join(t.testdir(), 'pki'), { name: 'Example CA' });
  const { generateIssuingKey } = await import('../../../engines/key-generation.ts');
  const key = await generateIssuingKey('p384');
  const issued = await authority.issue({ name: 'legacy', spki: key.spki });
  t.equal(issued.keyFile, undefined);
  t.equal(toHex(leafOf(issued.certFile).spki), toHex(key.spki));
  t.notOk(existsSync(join(authority.certFile, '../issued/legacy.key')));
  t.equal(toHex(leafOf((await authority.renew('legacy')).certFile).spki), toHex(key.spki), 'renewal has no other key to take');
});

t.test('revocations, and the CRLs that tell of them', async (t) => {
  const dir = join(t.testdir(), 'pki');
  const authority = await Authority.create(dir, { name: 'Example CA', crlDays: 2 });
  const crlOf = (file: string) => parseCrl((readPem(readFileSync(join(dir, file), 'utf8'), ['X509 CRL'])[0] as { der: Uint8Array }).der);
  t.match(crlOf('crl.pem'), { number: 1n, entryCount: 0, baseNumber: undefined }, 'a CA begins with an empty one');

  for (const name of ['a', 'b', 'c']) await authority.issue({ name });
  const { serial } = await authority.issue({ name: 'd' });
  const first = await authority.revoke('a', 'keyCompromise');
  t.match(first.revoked, { reason: 'keyCompromise' });
  t.same(await authority.revoke('a', 'superseded'), first, 'once revoked, nothing changes any more');

  t.match(await authority.crl(), { number: 2, revoked: 1 });
  await authority.revoke('b');
  await authority.revoke(serial.toUpperCase().replaceAll(/(..)(?=.)/g, '$1:'), 'superseded');
  t.match(await authority.deltaCrl(), { number: 3, revoked: 2 }, 'a delta has what came after its base');
  t.match(crlOf('delta-crl.pem'), { number: 3n, baseNumber: 2n, entryCount: 2 });
  t.match(await authority.crl({ days: 0.5 }), { number: 4, revoked: 3 });
  t.match(await authority.deltaCrl(), { number: 5, revoked: 0 });
  t.match(crlOf('crl.pem'), { number: 4n, entryCount: 3 });

  const complete = crlOf('crl.pem');
  t.equal((complete.nextUpdateMs as number) - complete.thisUpdateMs, DAY_MS / 2);
  await refused(t, 'ca_certificate_unknown', /"nobody"/, authority.revoke('nobody'));
});

t.test('a newer certificate of a name is meant by the name, an older one by its serial number', async (t) => {
  const authority = await Authority.create(join(t.testdir(), 'pki'), { name: 'Example CA' });
  const first = await authority.issue({ name: 'orders' });
  const second = await authority.renew('orders');
  t.equal((await authority.find('orders')).serial, second.serial);
  await authority.revoke(first.serial);
  t.same((await authority.issued()).map(({ revoked }) => revoked !== undefined), [true, false]);
});

t.test('an intermediate hands out its own certificate with those it issues', async (t) => {
  const folder = t.testdir();
  const root = await Authority.create(join(folder, 'root'), { name: 'Root' });
  const middle = await Authority.create(join(folder, 'middle'), { name: 'Middle', parent: root, pathLength: 1 });
  const lower = await Authority.create(join(folder, 'lower'), { name: 'Lower', parent: middle });
  const { certFile } = await lower.issue({ name: 'orders' });
  t.same(certificatesOf(certFile).map(({ subject }) => subject.text), ['CN=orders', 'CN=Lower', 'CN=Middle'], 'all but the root');
  t.equal(leafOf(middle.certFile).extensions.basicConstraints?.pathLength, 1);
  t.equal(leafOf(lower.certFile).extensions.basicConstraints?.pathLength, 0);
  t.match(await root.issued(), [{ name: 'Middle', purpose: 'ca' }]);
  await refused(t, 'ca_request_invalid', /is a CA/, root.renew('Middle'));

  const reopened = await Authority.open(join(folder, 'lower'));
  t.equal(certificatesOf((await reopened.issue({ name: 'later' })).certFile).length, 3);
});

t.test('name constraints are written as they were asked for', async (t) => {
  const folder = t.testdir();
  const permitted = ['dns:example.org', 'uri:.example.org', 'email:example.org', 'ip:10.0.0.0/8', 'ip:2001:db8::/32'];
  const authority = await Authority.create(join(folder, 'pki'), { name: 'Example CA', constraints: { permitted, excluded: ['dns:bad.example.org'] } });
  const { nameConstraints } = leafOf(authority.certFile).extensions;
  t.equal(nameConstraints?.permitted.length, 5);
  t.equal(nameConstraints?.excluded.length, 1);

  for (const wrong of ['example.org', 'dns:', 'ip:10.0.0.0', 'ip:10.0.0.1/8', 'ip:10.0.0.0/33', 'uri:https://x/', 'email:a b', 'dn:CN=x']) {
    await refused(
      t,
      'ca_request_invalid',
      /name constraint|bits beyond/,
      Authority.create(join(folder, 'wrong'), { name: 'Example CA', constraints: { permitted: [wrong], excluded: [] }, force: true }),
    );
  }
});

t.test('a CA gets a new certificate for its key, and what it issued stays good', async (t) => {
  const folder = t.testdir();
  const clock = clockAt(Date.UTC(2030, 0, 1));
  const root = await Authority.create(join(folder, 'root'), { name: 'Root', days: 10, pathLength: 3, clock });
  const constraints = { permitted: ['dns:example.org'], excluded: [] };
  const sub = await Authority.create(join(folder, 'sub'), { name: 'Sub', parent: root, days: 5, constraints, clock });
  const [rootBefore, subBefore] = [leafOf(root.certFile), leafOf(sub.certFile)];

  const newRoot = await root.renewSelf({ days: 100 });
  const newSub = await sub.renewSelf({ days: 50, parent: newRoot });
  const [rootAfter, subAfter] = [leafOf(root.certFile), leafOf(sub.certFile)];
  t.equal(toHex(rootAfter.spki), toHex(rootBefore.spki));
  t.not(toHex(rootAfter.serial), toHex(rootBefore.serial));
  t.equal(rootAfter.notAfterMs - rootBefore.notAfterMs, 90 * DAY_MS);
  t.equal(rootAfter.extensions.basicConstraints?.pathLength, 3);
  t.equal(toHex(rootAfter.extensions.subjectKeyId as Uint8Array), toHex(rootBefore.extensions.subjectKeyId as Uint8Array));
  t.equal(subAfter.notAfterMs - subBefore.notAfterMs, 45 * DAY_MS);
  t.equal(subAfter.extensions.nameConstraints?.permitted.length, 1);
  t.match(await root.issued(), [{ name: 'Sub' }, { name: 'Sub' }]);
  t.same(certificatesOf((await newSub.issue({ name: 'a', dns: ['a.example.org'], days: 40 })).certFile).map(({ subject }) => subject.text), ['CN=a', 'CN=Sub']);
  await refused(t, 'ca_request_invalid', /from its parent/, sub.renewSelf());
});

t.test('what the product would refuse is not issued', async (t) => {
  const folder = t.testdir();
  const root = await Authority.create(join(folder, 'root'), { name: 'Root', pathLength: 1 });
  const constraints = { permitted: ['dns:example.org'], excluded: [] };
  const middle = await Authority.create(join(folder, 'middle'), { name: 'Middle', parent: root, pathLength: 1, constraints });
  const lower = await Authority.create(join(folder, 'lower'), { name: 'Lower', parent: middle });
  await lower.issue({ name: 'inside', dns: ['a.example.org'] });
  await refused(t, 'ca_request_invalid', /would be refused as constraint/, lower.issue({ name: 'outside', dns: ['a.example.com'] }));
  t.notOk(existsSync(join(folder, 'lower/issued/outside.key')));
  t.same((await lower.issued()).map(({ name }) => name), ['inside']);

  const { generateKeyPairSync } = await import('node:crypto');
  const spki = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ type: 'spki', format: 'der' });
  await refused(t, 'ca_request_invalid', /would be refused as weak/, root.issue({ name: 'weak', spki }));
});

t.test('a lock that was left behind is named, one that is held is waited for', async (t) => {
  const dir = join(t.testdir(), 'pki');
  const authority = await Authority.create(dir, { name: 'Example CA' });
  // No process has this number: it is above the greatest that Linux gives.
  writeFileSync(join(dir, '.lock'), '4194305');
  await refused(t, 'ca_folder_unusable', /left behind by a process that ended/, authority.issue({ name: 'orders' }));

  writeFileSync(join(dir, '.lock'), String(process.ppid));
  const { rm } = await import('node:fs/promises');
  setTimeout(() => void rm(join(dir, '.lock')), 100);
  t.equal((await authority.issue({ name: 'orders' })).name, 'orders');
});
