import t from 'tap';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Authority } from '../../certs/ca/authority.ts';
import { CrlStore } from '../../certs/crl-store.ts';
import { type Crl, parseCrl } from '../../certs/crl.ts';
import { readCrls } from '../../certs/crl-parsing.ts';
import { openssl, withoutOpenssl } from '../support/openssl.ts';
import { refusal } from '../support/refusal.ts';
import { derOf, judged, presented, SteppedClock, testTrust, until } from '../support/trust.ts';

const DAY = 24 * 3_600_000;
const dir = t.testdir();
const root = await Authority.create(join(dir, 'root'), { name: 'Root', keyType: 'p256' });
const ROOT = join(dir, 'root', 'ca.pem');
const a = await root.issue({ name: 'a', dns: ['a.example.org'], keyType: 'p256' });
const b = await root.issue({ name: 'b', dns: ['a.example.org'], keyType: 'p256' });
/** CRL `number` of the root, kept under a name of its own. */
async function crl(days = 7): Promise<string> {
  const { number, pem } = await root.crl({ days });
  const file = join(dir, `crl-${number}.pem`);
  writeFileSync(file, pem);
  return file;
}
const first = await crl();
await root.revoke('a', 'keyCompromise');
const second = await crl();

t.test('hard: a CRL that speaks is demanded; soft counts what it lets pass; off asks nothing', async (t) => {
  const { trust: none } = await testTrust(t, { bundles: [ROOT], revocation: { mode: 'hard' } });
  await t.rejects(judged(none, presented(a)), refusal('certificate_status_unknown', /CN=a/));
  const { trust: soft } = await testTrust(t, { bundles: [ROOT], revocation: { mode: 'soft' } });
  const peer = await judged(soft, presented(a));
  t.ok(peer.isStatusUnknown);
  t.equal(soft.status.softPasses, 1);
  const { trust: off } = await testTrust(t, { bundles: [ROOT], revocation: { mode: 'off', crl: [second] } });
  t.notOk((await judged(off, presented(a))).isStatusUnknown);
  for (const mode of ['hard', 'soft'] as const) {
    const { trust } = await testTrust(t, { bundles: [ROOT], revocation: { mode, crl: [second] } });
    await t.rejects(judged(trust, presented(a)), refusal('certificate_revoked', /CN=a/), mode);
    const good = await judged(trust, presented(b));
    t.notOk(good.isStatusUnknown);
    t.ok(good.validUntilMs <= Date.now() + 8 * DAY, 'the verdict ends with the CRL');
  }
});

t.test('a new CRL in a file or folder reaches the next verdict', async (t) => {
  const folder = join(dir, 'folder');
  mkdirSync(folder);
  copyFileSync(first, join(folder, 'root.crl'));
  const { trust, events } = await testTrust(t, { bundles: [ROOT], revocation: { crl: [folder] } });
  const changes: string[] = [];
  trust.onChange((change) => changes.push(change));
  t.ok(await judged(trust, presented(a)));
  copyFileSync(second, join(folder, 'root-2.crl'));
  await until('the CRL is taken', () => changes.includes('crl'));
  await t.rejects(judged(trust, presented(a)), refusal('certificate_revoked'));
  t.equal(trust.status.crls.length, 1, 'it replaced the older one');
  t.match(trust.status.crls, [{ issuer: 'CN=Root', revoked: 1, source: join(folder, 'root-2.crl') }]);
  t.ok(events.some(({ what }) => what === 'crls_loaded'));

  rmSync(join(folder, 'root-2.crl'));
  rmSync(join(folder, 'root.crl'));
  await trust.reload();
  await t.rejects(judged(trust, presented(a)), refusal('certificate_revoked'), 'who deletes a CRL revives nobody');
});

t.test('an older CRL is refused and the newer stays', async (t) => {
  const file = join(dir, 'rolled.pem');
  copyFileSync(second, file);
  const { trust } = await testTrust(t, { bundles: [ROOT], revocation: { crl: [file] } });
  const failures: Error[] = [];
  trust.onFailure((error) => failures.push(error));
  copyFileSync(first, file);
  await until('the roll-back is told', () => failures.length > 0);
  t.match(failures[0], refusal('crl_rolled_back', /rolled\.pem: number 2 of .* in use is 3/));
  await t.rejects(judged(trust, presented(a)), refusal('certificate_revoked'));
  await t.rejects(trust.reload(), refusal('crl_rolled_back'));
});

t.test('a CRL that cannot be used refuses to start, and later keeps nothing else out', async (t) => {
  const folder = join(dir, 'mixed');
  mkdirSync(folder);
  copyFileSync(first, join(folder, 'root.crl'));
  writeFileSync(join(folder, 'broken.crl'), 'nonsense');
  await t.rejects(testTrust(t, { bundles: [ROOT], revocation: { crl: [folder] } }), refusal('crl_invalid', /broken\.crl/));
  await t.rejects(testTrust(t, { bundles: [ROOT], revocation: { crl: [join(dir, 'absent')] } }), refusal('crl_invalid', /absent: it does not exist/));
  rmSync(join(folder, 'broken.crl'));
  const { trust } = await testTrust(t, { bundles: [ROOT], revocation: { crl: [folder] } });
  writeFileSync(join(folder, '0-broken.crl'), 'nonsense');
  copyFileSync(second, join(folder, 'root.crl'));
  await t.rejects(trust.reload(), refusal('crl_invalid', /0-broken\.crl/));
  await t.rejects(judged(trust, presented(a)), refusal('certificate_revoked'), 'the good one was taken all the same');
});

t.test('a CRL ends with its nextUpdate, or the grace after it', async (t) => {
  const short = await crl(1);
  const clock = new SteppedClock();
  const { trust: strict } = await testTrust(t, { bundles: [ROOT], revocation: { crl: [short] } }, { clock });
  const { trust: patient } = await testTrust(t, { bundles: [ROOT], revocation: { crl: [short], graceMs: DAY } }, { clock });
  t.ok(await judged(strict, presented(b)));
  clock.nowMs += 1.5 * DAY;
  await t.rejects(judged(strict, presented(b)), refusal('certificate_status_unknown', /out of date/));
  t.ok(await judged(patient, presented(b)));
  await t.rejects(judged(patient, presented(a)), refusal('certificate_revoked'));
  clock.nowMs += DAY;
  await t.rejects(judged(patient, presented(b)), refusal('certificate_status_unknown'), 'the grace is bounded');
});

t.test('a delta CRL revokes before the next base', async (t) => {
  const base = await crl();
  await root.revoke('b', 'superseded');
  const delta = join(dir, 'delta.pem');
  writeFileSync(delta, (await root.deltaCrl()).pem);
  const { trust: before } = await testTrust(t, { bundles: [ROOT], revocation: { crl: [base] } });
  t.ok(await judged(before, presented(b)));
  const { trust } = await testTrust(t, { bundles: [ROOT], revocation: { crl: [delta, base] } });
  await t.rejects(judged(trust, presented(b)), refusal('certificate_revoked'));
  t.equal(trust.status.crls.length, 2, 'base and delta stand side by side');
});

t.test('a CRL of somebody else says nothing', async (t) => {
  const other = await Authority.create(join(dir, 'other'), { name: 'Root', keyType: 'p256' });
  const { file } = await other.crl();
  const { trust } = await testTrust(t, { bundles: [ROOT], revocation: { crl: [file, first] } });
  t.equal(trust.status.crls.length, 2, 'the same name with another key displaces nothing');
  t.ok(await judged(trust, presented(a)));
  const { trust: alone } = await testTrust(t, { bundles: [ROOT], revocation: { crl: [file] } });
  await t.rejects(judged(alone, presented(a)), refusal('certificate_status_unknown'));
});

t.test('a CRL from the future is refused', async (t) => {
  const clock = new SteppedClock(Date.now() - DAY);
  const store = new CrlStore(clock, 60_000);
  const [der] = derOf(readFileSync(first, 'utf8'));
  t.throws(() => store.admit(parseCrl(der as Uint8Array), 'x'), refusal('crl_invalid', /future/));
  clock.nowMs += DAY;
  t.ok(store.admit(parseCrl(der as Uint8Array), 'x'));
  t.notOk(store.admit(parseCrl(der as Uint8Array), 'y'), 'the same again is no news');
});

t.test('CRLs made by openssl ca are read, renewed and obeyed', { skip: withoutOpenssl }, async (t) => {
  const cwd = t.testdir({
    'index.txt': '',
    'index.txt.attr': 'unique_subject = no\n',
    crlnumber: '01\n',
    serial: '1000\n',
    'ca.cnf': `[ca]\ndefault_ca=x\n[x]\ndatabase=index.txt\ncrlnumber=crlnumber\nserial=serial\nnew_certs_dir=.\ncertificate=ca.pem\nprivate_key=ca.key\ndefault_md=sha256\ndefault_days=30\ndefault_crl_days=7\npolicy=p\nx509_extensions=leaf\ncrl_extensions=crl\n[p]\ncommonName=supplied\n[crl]\nauthorityKeyIdentifier=keyid\n[leaf]\nsubjectAltName=DNS:a.example.org\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n[root]\nbasicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n[req]\ndistinguished_name=dn\n[dn]\n`,
  });
  const run = (...args: readonly string[]): void => {
    const { status, output } = openssl(args, { cwd });
    if (status !== 0) t.fail(output);
  };
  run('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '30', '-subj', '/CN=OpenSSL Root', '-config', 'ca.cnf', '-extensions', 'root');
  run('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'leaf.key', '-out', 'leaf.csr', '-subj', '/CN=leaf', '-config', 'ca.cnf');
  run('ca', '-batch', '-notext', '-config', 'ca.cnf', '-in', 'leaf.csr', '-out', 'leaf.pem');
  run('ca', '-config', 'ca.cnf', '-gencrl', '-out', 'crl.pem');
  const { trust } = await testTrust(t, { bundles: [join(cwd, 'ca.pem')], revocation: { crl: [join(cwd, 'crl.pem')] } });
  let changes = 0;
  trust.onChange(() => { changes += 1; });
  const leaf = { chain: derOf(readFileSync(join(cwd, 'leaf.pem'), 'utf8')), staple: new Uint8Array(0) };
  t.ok(await judged(trust, leaf));
  run('ca', '-config', 'ca.cnf', '-revoke', 'leaf.pem');
  run('ca', '-config', 'ca.cnf', '-gencrl', '-out', 'crl.pem');
  await until('the new CRL is taken', () => changes > 0);
  await t.rejects(judged(trust, leaf), refusal('certificate_revoked'));
  run('crl', '-in', 'crl.pem', '-outform', 'DER', '-out', 'crl.der');
  const { trust: fromDer } = await testTrust(t, { bundles: [join(cwd, 'ca.pem')], revocation: { crl: [join(cwd, 'crl.der')] } });
  await t.rejects(judged(fromDer, leaf), refusal('certificate_revoked'));
});

t.test('a large CRL is read in a thread, with the same outcome, while the event loop runs', async (t) => {
  const large = largeCrl(60_000);
  t.ok(large.length > 1024 * 1024);
  let beats = 0;
  const beat = setInterval(() => { beats += 1; }, 5);
  const before = performance.now();
  const [off] = (await readCrls(large)) as [Crl];
  const elapsedMs = performance.now() - before;
  clearInterval(beat);
  const on = parseCrl(large);
  t.equal(off.entryCount, 60_000);
  t.same(off.index.entries, on.index.entries);
  for (const serial of [Uint8Array.of(1), Uint8Array.of(0x7f, 0x12), Uint8Array.of(0x7f, 0xff, 0xff)]) {
    t.same(off.entriesOf(serial, () => true), on.entriesOf(serial, () => true));
  }
  t.ok(beats >= Math.floor(elapsedMs / 5 / 10), `${beats} beats in ${Math.round(elapsedMs)} ms`);
  const broken = Uint8Array.from(large);
  broken[broken.length >> 1] = 0xff;
  await t.rejects(readCrls(broken), { name: 'XpsError' });
  const pem = `-----BEGIN X509 CRL-----\n${Buffer.from(large).toString('base64').replaceAll(/.{64}/g, '$&\n')}\n-----END X509 CRL-----\n`;
  t.equal((await readCrls(Buffer.from(pem)))[0]?.entryCount, 60_000);
});

/** A CRL whose signature is noise: parsing does not look at it. */
function largeCrl(entries: number): Uint8Array {
  const tlv = (tag: number, ...parts: readonly Uint8Array[]): Uint8Array => {
    const content = Buffer.concat(parts);
    const { length } = content;
    const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : length < 0x1_0000 ? [0x82, length >> 8, length & 0xff] : [0x83, length >> 16, (length >> 8) & 0xff, length & 0xff];
    return Buffer.concat([Uint8Array.of(tag, ...head), content]);
  };
  const algorithm = tlv(0x30, Buffer.from('06082a8648ce3d040302', 'hex'));
  const name = tlv(0x30, tlv(0x31, tlv(0x30, Buffer.from('0603550403', 'hex'), tlv(0x0c, Buffer.from('Large')))));
  const time = (text: string): Uint8Array => tlv(0x17, Buffer.from(text));
  const revoked = Array.from({ length: entries }, (_, i) => {
    const serial = Buffer.from((i + 1).toString(16).padStart(8, '0'), 'hex');
    let start = 0;
    while (start < 3 && serial[start] === 0 && (serial[start + 1] as number) < 0x80) start += 1;
    return tlv(0x30, tlv(0x02, serial.subarray(start)), time('260101000000Z'));
  });
  const number = tlv(0x30, Buffer.from('0603551d14', 'hex'), tlv(0x04, tlv(0x02, Uint8Array.of(1))));
  const body = tlv(0x30, tlv(0x02, Uint8Array.of(1)), algorithm, name, time('260101000000Z'), time('270101000000Z'), tlv(0x30, ...revoked), tlv(0xa0, tlv(0x30, number)));
  return tlv(0x30, body, algorithm, tlv(0x03, Uint8Array.of(0, 1)));
}
