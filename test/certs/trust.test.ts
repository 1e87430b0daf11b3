import t from 'tap';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Authority } from '../../certs/ca/authority.ts';
import { parseCertificate } from '../../certs/certificate.ts';
import type { TrustChange } from '../../certs/contract.ts';
import { pinOf } from '../../certs/pins.ts';
import { openTrust } from '../../certs/trust.ts';
import { systemClock } from '../../base/clock.ts';
import type { Crypto } from '../../engines/contract.ts';
import { ca, leaf, NOW_MS } from '../support/pki/forge.ts';
import { refusal } from '../support/refusal.ts';
import { crypto } from '../support/test-crypto.ts';
import { derOf, judged, presented, rules, SteppedClock, testTrust, trustSettings, until } from '../support/trust.ts';

const dir = t.testdir();
const root = await Authority.create(join(dir, 'root'), { name: 'Root', keyType: 'p256' });
const other = await Authority.create(join(dir, 'other'), { name: 'Other', keyType: 'p256' });
const sub = await Authority.create(join(dir, 'sub'), { name: 'Sub', parent: root, keyType: 'p256' });
const a = await sub.issue({ name: 'a', dns: ['a.example.org'], uris: ['spiffe://corp.example/a'], keyType: 'p256' });
const stranger = await other.issue({ name: 'a', dns: ['a.example.org'], keyType: 'p256' });
const ROOT = join(dir, 'root', 'ca.pem');
const OTHER = join(dir, 'other', 'ca.pem');
const sha256 = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

t.test('a peer of the bundle is admitted by a rule, with what a log wants to know', async (t) => {
  const { trust, events } = await testTrust(t, { bundles: [ROOT] });
  const peer = await judged(trust, presented(a), ['dns:b.example.org', 'spiffe://corp.example/*']);
  t.equal(peer.name, 'spiffe://corp.example/a');
  t.equal(peer.spiffeId, 'spiffe://corp.example/a');
  t.equal(peer.rule, 'spiffe://corp.example/*');
  t.match(peer.names, ['dns:a.example.org']);
  t.match(peer.path, /^CN=a \[[0-9a-f]+\] ← CN=Sub \[[0-9a-f]+\] ← CN=Root \[[0-9a-f]+\]$/);
  t.equal(peer.isStatusUnknown, false);
  t.ok(Math.abs(peer.validUntilMs - a.notAfterMs) < 120_000);
  t.same(peer.leafSha256, createHash('sha256').update(presented(a).chain[0] as Uint8Array).digest());
  t.ok(events.some(({ what }) => what === 'bundles_loaded'));
  t.match(trust.status.anchors, [{ name: 'CN=Root', file: ROOT }]);
});

t.test('nobody is admitted without a rule, a path, the right role', async (t) => {
  const { trust } = await testTrust(t, { bundles: [ROOT] });
  await t.rejects(judged(trust, presented(a), []), refusal('peer_not_allowed', /spiffe:\/\/corp\.example\/a/));
  await t.rejects(judged(trust, presented(stranger)), refusal('certificate_untrusted', /CN=a/));
  await t.rejects(judged(trust, { chain: [], staple: new Uint8Array(0) }), refusal('certificate_untrusted'));
  await t.rejects(judged(trust, { chain: Array.from({ length: 7 }, () => presented(a).chain[0] as Uint8Array), staple: new Uint8Array(0) }), refusal('certificate_limit'));
  await t.rejects(judged(trust, { chain: [Uint8Array.of(0x30, 0)], staple: new Uint8Array(0) }), refusal('certificate_malformed'));
  const server = await sub.issue({ name: 'server', dns: ['a.example.org'], purpose: 'server', keyType: 'p256' });
  t.ok(await judged(trust, presented(server), undefined, 'server'));
  await t.rejects(judged(trust, presented(server), undefined, 'client'), refusal('certificate_wrong_usage'));
  t.match(trust.status.verdicts, { accepted: 1, peer_not_allowed: 1, certificate_untrusted: 2, certificate_wrong_usage: 1 });
});

t.test('a digest that does not fit refuses to start, a backup digest fits', async (t) => {
  const bundle = (digests: string[]) => ({ bundles: [{ file: ROOT, sha256: digests }] });
  await t.rejects(testTrust(t, bundle(['00'.repeat(32)])), refusal('bundle_digest_mismatch', new RegExp(sha256(ROOT))));
  await testTrust(t, bundle(['00'.repeat(32), sha256(ROOT)]));
});

t.test('what cannot be used refuses to start and is named', async (t) => {
  const cases = { 'empty.pem': '', 'key.pem': readFileSync(join(dir, 'root', 'ca.key')), 'noise.pem': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' };
  for (const [name, content] of Object.entries(cases)) {
    const file = join(dir, name);
    writeFileSync(file, content);
    await t.rejects(testTrust(t, { bundles: [file] }), refusal('bundle_invalid', new RegExp(name)), name);
  }
  await t.rejects(testTrust(t, { bundles: [join(dir, 'absent.pem')] }), refusal('bundle_invalid', /absent\.pem: it does not exist/));
  await t.rejects(testTrust(t, { bundles: [dir] }), refusal('bundle_invalid', /it is a folder/));
  execFileSync('mkfifo', [join(dir, 'pipe')]);
  await t.rejects(testTrust(t, { bundles: [join(dir, 'pipe')] }), refusal('bundle_invalid', /it is not a file/));
  await t.rejects(testTrust(t, { bundles: [ROOT], pins: ['sha256/abc'] }), refusal('pin_invalid'));
});

t.test('a changed bundle counts at once, a broken or unpinned one does not', async (t) => {
  const file = join(dir, 'live.pem');
  copyFileSync(ROOT, file);
  const both = readFileSync(ROOT, 'utf8') + readFileSync(OTHER, 'utf8');
  const bothFile = join(dir, 'both.pem');
  writeFileSync(bothFile, both);
  const { trust } = await testTrust(t, { bundles: [{ file, sha256: [sha256(ROOT), sha256(bothFile)] }] });
  const changes: TrustChange[] = [];
  const failures: Error[] = [];
  trust.onChange((change) => changes.push(change));
  trust.onFailure((error) => failures.push(error));
  const before = trust.digest;
  await t.rejects(judged(trust, presented(stranger)), refusal('certificate_untrusted'));

  writeFileSync(file, both);
  await until('the new root is trusted', () => changes.includes('bundles'));
  t.ok(await judged(trust, presented(stranger)));
  t.ok(await judged(trust, presented(a)), 'the old root still is');
  t.notSame(trust.digest, before);
  t.equal(trust.caHints.length, 2);

  copyFileSync(OTHER, file);
  await until('the failure is told', () => failures.length > 0);
  t.match(failures[0], refusal('bundle_digest_mismatch', /live\.pem/));
  t.ok(await judged(trust, presented(a)), 'the last good bundle stays');
  await t.rejects(trust.reload(), refusal('bundle_digest_mismatch'));
  t.ok(await judged(trust, presented(a)));

  copyFileSync(ROOT, file);
  await until('the old content is back', () => changes.length === 2);
  t.same(trust.digest, before, 'the digest is one of the content');
  await t.rejects(judged(trust, presented(stranger)), refusal('certificate_untrusted'));
});

t.test('a bundle that is written again with the same content changes nothing', async (t) => {
  const file = join(dir, 'same.pem');
  copyFileSync(ROOT, file);
  const { trust } = await testTrust(t, { bundles: [file] });
  let changes = 0;
  trust.onChange(() => { changes += 1; });
  writeFileSync(file, readFileSync(ROOT));
  await trust.reload();
  t.equal(changes, 0);
});

t.test('pins of leaf, intermediate or root let pass, others do not', async (t) => {
  const pinOfFile = (file: string): string => pinOf(crypto, parseCertificate(derOf(readFileSync(file, 'utf8'))[0] as Uint8Array).spki);
  const leafPin = pinOf(crypto, parseCertificate(presented(a).chain[0] as Uint8Array).spki);
  const foreign = pinOfFile(OTHER);
  for (const pin of [leafPin, pinOfFile(join(dir, 'sub', 'ca.pem')), pinOfFile(ROOT)]) {
    const { trust } = await testTrust(t, { bundles: [ROOT], pins: [foreign, pin] });
    t.ok(await judged(trust, presented(a)));
  }
  const { trust } = await testTrust(t, { bundles: [ROOT], pins: [foreign] });
  await t.rejects(judged(trust, presented(a)), refusal('certificate_pin_mismatch', new RegExp(leafPin.replaceAll(/[+/]/g, '\\$&'))));
  const { trust: pinned } = await testTrust(t, { bundles: [ROOT], pins: [pinOf(crypto, parseCertificate(presented(stranger).chain[0] as Uint8Array).spki)] });
  await t.rejects(judged(pinned, presented(stranger)), refusal('certificate_untrusted'), 'a pin replaces no path');
});

t.test('with cross-signed CAs a pin on either root is found', async (t) => {
  const pem = (...ders: readonly Uint8Array[]): string => ders.map((der) => `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString('base64').replaceAll(/.{64}(?=.)/g, '$&\n')}\n-----END CERTIFICATE-----\n`).join('');
  const roots = [ca('CN=old root'), ca('CN=new root')] as const;
  const crossed = roots.map((each) => ca('CN=middle', each));
  const file = join(dir, 'crossed.pem');
  writeFileSync(file, pem(roots[0].der, roots[1].der));
  const chain = [leaf(crossed[0] as (typeof crossed)[0]).der, ...crossed.map(({ der }) => der)];
  for (const each of roots) {
    const pin = pinOf(crypto, parseCertificate(each.der).spki);
    const { trust } = await testTrust(t, { bundles: [file], pins: [pin] }, { clock: new SteppedClock(NOW_MS) });
    const peer = await judged(trust, { chain, staple: new Uint8Array(0) }, ['dns:leaf.example']);
    t.match(peer.path, each.subject, `${each.subject} is on the path`);
  }
});

t.test('new settings count from then on, unusable ones not at all', async (t) => {
  const { trust } = await testTrust(t, { bundles: [ROOT] });
  const changes: TrustChange[] = [];
  trust.onChange((change) => changes.push(change));
  const pin = pinOf(crypto, parseCertificate(derOf(readFileSync(OTHER, 'utf8'))[0] as Uint8Array).spki);
  t.ok(await judged(trust, presented(a)));
  await trust.update(trustSettings({ bundles: [ROOT], pins: [pin] }));
  t.ok(changes.includes('pins'));
  await t.rejects(judged(trust, presented(a)), refusal('certificate_pin_mismatch'));
  await t.rejects(trust.update(trustSettings({ bundles: [join(dir, 'absent.pem')] })), refusal('bundle_invalid'));
  await t.rejects(judged(trust, presented(a)), refusal('certificate_pin_mismatch'));
  await trust.update(trustSettings({ bundles: [ROOT, OTHER] }));
  t.ok(await judged(trust, presented(stranger)));
});

t.test('a federated bundle vouches for its own trust domain only', async (t) => {
  const foreign = await other.issue({ name: 'b', uris: ['spiffe://other.example/b'], keyType: 'p256' });
  const imposter = await other.issue({ name: 'imposter', uris: ['spiffe://corp.example/a'], keyType: 'p256' });
  const nameless = await other.issue({ name: 'nameless', dns: ['a.example.org'], keyType: 'p256' });
  const { trust } = await testTrust(t, { bundles: [{ file: ROOT, sha256: [] }, { file: OTHER, sha256: [], trustDomain: 'other.example' }] });
  const anybody = ['spiffe://corp.example/*', 'spiffe://other.example/*', 'dns:a.example.org'];
  t.equal((await judged(trust, presented(foreign), anybody)).spiffeId, 'spiffe://other.example/b');
  await t.rejects(judged(trust, presented(imposter), anybody), refusal('certificate_untrusted'));
  await t.rejects(judged(trust, presented(nameless), anybody), refusal('certificate_untrusted'));
  t.ok(await judged(trust, presented(a), anybody));
});

t.test('a verdict is remembered until something that it rests on changes', async (t) => {
  const clock = new SteppedClock();
  let verifications = 0;
  const { signature } = crypto;
  const counting: Crypto = {
    generation: 0,
    hash: crypto.hash,
    keyExchange: crypto.keyExchange,
    signature: {
      name: 'counting',
      algorithms: signature.algorithms,
      loadSigningKey: (pem) => signature.loadSigningKey(pem),
      loadVerifyingKey: (spki, options) => signature.loadVerifyingKey(spki, options),
      verify: (...all) => {
        verifications += 1;
        return signature.verify(...all);
      },
    },
    aead: (...all) => crypto.aead(...all),
    isAvailable: (what) => crypto.isAvailable(what),
    random: (length) => crypto.random(length),
    equal: (one, two) => crypto.equal(one, two),
  };
  const { trust } = await testTrust(t, { bundles: [ROOT] }, { clock, crypto: counting });
  const judge = trust.judgeFor(rules(['dns:a.example.org']));
  const first = await judge.judge(presented(a), 'server');
  const after = verifications;
  t.ok(after > 0);
  t.equal(judge.judge(presented(a), 'server'), first, 'the same object, synchronously');
  t.equal(verifications, after);
  t.not(judge.judge(presented(a), 'client'), first, 'the role is part of it');
  t.not(trust.judgeFor(rules(['spiffe://corp.example/a'])).judge(presented(a), 'server'), first, 'the rules are part of it');
  clock.nowMs -= 3_600_000;
  t.throws(() => judge.judge(presented(a), 'server'), refusal('certificate_not_yet_valid'), 'time that went back is another time');
  clock.nowMs = first.validUntilMs + 1;
  t.throws(() => judge.judge(presented(a), 'server'), refusal('certificate_expired'));
});

t.test('one changed byte anywhere is another presentation', async (t) => {
  const { trust } = await testTrust(t, { bundles: [ROOT] });
  const { chain, staple } = presented(a);
  t.ok(await judged(trust, { chain, staple }));
  for (const at of [0, 1]) {
    const changed = chain.map((der, i) => (i === at ? Uint8Array.from(der, (byte, j) => (j === der.length - 1 ? byte ^ 1 : byte)) : der));
    await t.rejects(judged(trust, { chain: changed, staple }), { name: 'XpsError' });
  }
  const [leaf, intermediate] = chain as [Uint8Array, Uint8Array];
  await t.rejects(judged(trust, { chain: [Buffer.concat([leaf, intermediate])], staple }), refusal('certificate_malformed'));
});

t.test('the key of a leaf is read strictly', async (t) => {
  const { trust } = await testTrust(t, { bundles: [ROOT] });
  const [leaf] = presented(a).chain as [Uint8Array];
  t.equal(trust.leafKey(leaf).algorithm, 'p256');
  t.equal(trust.leafKey(leaf), trust.leafKey(Uint8Array.from(leaf)));
  t.throws(() => trust.leafKey(leaf.subarray(1)), refusal('certificate_malformed'));
});

t.test('after disposal nothing is told any more', async (t) => {
  const file = join(dir, 'gone.pem');
  copyFileSync(ROOT, file);
  const trust = await openTrust(trustSettings({ bundles: [file] }), { crypto, clock: systemClock, watchTiming: { quietMs: 1, pollMs: 10 } });
  let told = 0;
  trust.onChange(() => { told += 1; });
  trust[Symbol.dispose]();
  copyFileSync(OTHER, file);
  await new Promise((resolve) => {
    setTimeout(resolve, 50);
  });
  t.equal(told, 0);
});
