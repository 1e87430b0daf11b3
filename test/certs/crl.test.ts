import t from 'tap';
import { parseCertificate } from '../../certs/certificate.ts';
import { parseCrl } from '../../certs/crl.ts';
import { type Bytes, concat } from '../../base/bytes.ts';
import { code, judge, type Case } from '../support/pki/judging.ts';
import { bitString, boolean, explicit, implicit, integer, nothing, octets, sequence, time, tlv } from '../support/pki/der.ts';
import {
  ca,
  certificateIssuer,
  crl,
  crlPoints,
  crlReason,
  type CrlShape,
  DAY_MS,
  deltaIndicator,
  type Ext,
  extensionList,
  type Holder,
  issuingPoint,
  key,
  keyUsage,
  basicConstraints,
  leaf,
  mustStaple,
  noRevAvail,
  NOW_MS,
} from '../support/pki/forge.ts';
import { refusal } from '../support/refusal.ts';

const root = ca('CN=root');
const middle = ca('CN=middle', root, { serial: 5n });
const subject = leaf(middle, { serial: 77n });
const chain = [subject, middle, root];
const rootCrl = crl(root);

/** What a CRL of the intermediate leads to; the root's own is always there. */
function status(shape: CrlShape = {}, wanted: Partial<Case> & { readonly issuer?: Holder } = {}): string {
  return code({ chain, crls: [rootCrl, crl(wanted.issuer ?? middle, shape)], ...wanted });
}

const revoked = (serial: bigint, reason?: number): CrlShape => ({ revoked: [{ serial, ...(reason === undefined ? {} : { reason }) }] });

t.test('one complete CRL of each issuer', async (t) => {
  t.equal(status(), 'ok');
  t.equal(status(revoked(76n)), 'ok', 'somebody else is revoked');
  t.equal(status(revoked(77n)), 'revoked');
  for (const reason of [1, 2, 3, 4, 5, 6, 9, 10]) t.equal(status(revoked(77n, reason)), 'revoked', `reason ${reason}`);
  t.equal(status({ revoked: [76n, 78n, 1n, -1n, 2n ** 100n, 77n, 3n].map((serial) => ({ serial })) }), 'revoked', 'among others, unsorted');
  t.equal(code({ chain, crls: [crl(root, revoked(5n)), crl(middle)] }), 'revoked', 'the intermediate is revoked');
});

t.test('without a CRL the status is unknown: hard refuses, soft lets pass and says so', async (t) => {
  t.equal(code({ chain, crls: [rootCrl] }), 'status_unknown');
  t.equal(code({ chain, with: { revocation: 'hard' } }), 'status_unknown');
  const soft = judge({ chain, crls: [rootCrl], with: { revocation: 'soft' } });
  t.same(soft.valid ? soft.statuses.map(({ status: each }) => each) : soft.code, ['unknown', 'good']);
  t.equal(status(revoked(77n), { with: { revocation: 'soft' } }), 'revoked');
  t.equal(status(revoked(77n), { with: { revocation: 'off' } }), 'ok');
});

t.test('times', async (t) => {
  t.equal(status({ nextUpdateMs: NOW_MS - DAY_MS / 2 }), 'status_unknown', 'out of date');
  t.equal(status({ nextUpdateMs: NOW_MS }), 'ok', 'its last second');
  t.equal(status({ nextUpdateMs: NOW_MS - 1000 }), 'status_unknown', 'the second after');
  t.equal(status({ nextUpdateMs: NOW_MS - DAY_MS / 2 }, { with: { clockSkewMs: DAY_MS } }), 'ok', 'within the tolerance');
  t.equal(status({ thisUpdateMs: NOW_MS + 1000 }), 'status_unknown', 'from the future');
  t.equal(status({ nextUpdateMs: null }), 'status_unknown', 'without an end');
  t.equal(status({}, { with: { statusMaxAgeMs: DAY_MS } }), 'ok');
  t.equal(code({ chain, crls: [crl(root, { thisUpdateMs: NOW_MS }), crl(middle, { thisUpdateMs: NOW_MS - 2 * DAY_MS })], with: { statusMaxAgeMs: DAY_MS } }), 'status_unknown', 'too old');
  t.equal(status({ ...revoked(77n), nextUpdateMs: NOW_MS - 1000 }), 'revoked', 'revoked stays revoked');
  t.equal(status({ ...revoked(77n, 6), nextUpdateMs: NOW_MS - 1000 }), 'status_unknown', 'a hold may be over');
  const verdict = judge({ chain, crls: [rootCrl, crl(middle, { nextUpdateMs: NOW_MS + 5000 })] });
  t.equal(verdict.valid && verdict.validUntilMs, NOW_MS + 6000, 'the verdict ends with the CRL');
});

t.test('the newest of several counts', async (t) => {
  const older = crl(middle, { ...revoked(77n, 6), number: 6n });
  const newer = crl(middle, { number: 8n });
  t.equal(code({ chain, crls: [rootCrl, older, newer] }), 'ok', 'the hold was lifted');
  t.equal(code({ chain, crls: [rootCrl, crl(middle, { number: 6n }), crl(middle, { ...revoked(77n), number: 8n })] }), 'revoked');
});

t.test('who signed', async (t) => {
  const change = (each: Uint8Array): Uint8Array => each.map((byte, i) => (i === 3 ? byte ^ 1 : byte));
  t.equal(status({ changeSignature: change }), 'status_unknown', 'a broken signature');
  t.equal(status({ ...revoked(77n), changeSignature: change }), 'status_unknown', 'a broken signature proves no revocation either');
  t.equal(status({}, { issuer: { ...middle, key: key('stranger') } }), 'status_unknown', 'a stranger with the name of the issuer');
  t.equal(status({}, { issuer: root }), 'status_unknown', 'another CA');
  const mute = ca('CN=mute', root, { extensions: [basicConstraints(true), keyUsage('keyCertSign')] });
  const below = leaf(mute, { serial: 77n });
  t.equal(code({ chain: [below, mute, root], crls: [rootCrl, crl(mute)] }), 'status_unknown', 'a CA that may not sign CRLs');
  const signer = ca('CN=mute', root, { key: key('crl signer'), extensions: [keyUsage('cRLSign')] });
  t.equal(code({ chain: [below, mute, signer, root], crls: [rootCrl, crl(signer)] }), 'ok', 'a key of its own for CRLs');
  t.equal(code({ chain: [below, mute, signer, root], crls: [rootCrl, crl(signer, revoked(77n))] }), 'revoked');
  const elsewhere = ca('CN=elsewhere');
  const usurper = ca('CN=mute', elsewhere, { key: key('usurper') });
  t.equal(code({ chain: [below, mute, usurper], anchors: [root, elsewhere], crls: [rootCrl, crl(elsewhere), crl(usurper)] }), 'status_unknown', 'the same name below another anchor');
  const gone = ca('CN=mute', root, { serial: 99n, key: key('revoked signer'), extensions: [keyUsage('cRLSign')] });
  t.equal(code({ chain: [below, mute, gone, root], crls: [crl(root, revoked(99n)), crl(gone)] }), 'status_unknown', 'a CRL signer that is revoked');
});

t.test('scopes', async (t) => {
  const scoped = (point: Parameters<typeof issuingPoint>[0], more: CrlShape = {}): CrlShape => ({ ...more, extensions: [issuingPoint(point)] });
  t.equal(status(scoped({ flags: [1] })), 'ok', 'only user certificates');
  t.equal(status(scoped({ flags: [2] })), 'status_unknown', 'only CA certificates');
  t.equal(status(scoped({ flags: [5] })), 'status_unknown', 'only attribute certificates');
  t.equal(code({ chain, crls: [crl(root, scoped({ flags: [1] })), crl(middle)] }), 'status_unknown', 'the CA is no user');
  t.equal(code({ chain, crls: [crl(root, scoped({ flags: [2] })), crl(middle)] }), 'ok');
  t.equal(status(scoped({ uri: 'http://x/a' })), 'status_unknown', 'a part that the certificate does not name');
  const pointing = leaf(middle, { serial: 77n, more: [crlPoints('http://x/a')] });
  const named: Partial<Case> = { chain: [pointing, middle, root] };
  t.equal(status(scoped({ uri: 'http://x/a' }), named), 'ok');
  t.equal(status(scoped({ uri: 'http://x/b' }), named), 'status_unknown');
  t.equal(status({}, named), 'ok', 'a complete CRL without scope');
  t.equal(status(scoped({ uri: 'http://x/b' }, revoked(77n)), named), 'status_unknown', 'a revocation of another scope says nothing');
  const [keys, others] = [bitString(Uint8Array.of(0x60), 5).subarray(2), bitString(Uint8Array.of(0x1f, 0x80), 7).subarray(2)];
  const partly = crl(middle, scoped({ reasons: keys }));
  const rest = crl(middle, scoped({ reasons: others }));
  t.equal(code({ chain, crls: [rootCrl, partly] }), 'status_unknown', 'some reasons only');
  t.equal(code({ chain, crls: [rootCrl, partly, rest] }), 'ok', 'all reasons together');
  t.equal(code({ chain, crls: [rootCrl, partly, crl(middle, scoped({ reasons: others }, revoked(77n)))] }), 'revoked');
});

t.test('indirect CRLs', async (t) => {
  const authority = ca('CN=crl authority', root, { extensions: [keyUsage('cRLSign')] });
  const pointing = leaf(middle, { serial: 77n, more: [crlPoints('http://x/a', 'CN=crl authority')] });
  const lists = (revokedEntries: NonNullable<CrlShape['revoked']>, flags: readonly number[] = [4]): string =>
    code({
      chain: [pointing, middle, authority, root],
      crls: [rootCrl, crl(authority, { extensions: [issuingPoint({ uri: 'http://x/a', flags })], revoked: revokedEntries })],
    });
  t.equal(lists([]), 'ok');
  t.equal(lists([], []), 'status_unknown', 'a CRL of another issuer that is not indirect');
  t.equal(lists([{ serial: 77n, extensions: [certificateIssuer('CN=middle')] }]), 'revoked');
  t.equal(lists([{ serial: 1n, extensions: [certificateIssuer('CN=middle')] }, { serial: 77n }]), 'revoked', 'the issuer of the entry before');
  t.equal(lists([{ serial: 77n }]), 'ok', 'a certificate of the CRL issuer itself');
  t.equal(lists([{ serial: 77n, extensions: [certificateIssuer('CN=other')] }]), 'ok', 'the same serial number of another issuer');
  t.equal(lists([{ serial: 77n, extensions: [certificateIssuer('CN=middle')] }, { serial: 78n, extensions: [certificateIssuer('CN=x')] }]), 'revoked', 'sorted with their issuers');
});

t.test('delta CRLs', async (t) => {
  const delta = (shape: CrlShape, base = 7n): Bytes => crl(middle, { number: 9n, ...shape, extensions: [deltaIndicator(base), ...(shape.extensions ?? [])] });
  const both = (base: CrlShape, change: Bytes): string => code({ chain, crls: [rootCrl, crl(middle, base), change] });
  t.equal(both({}, delta({})), 'ok');
  t.equal(both({}, delta(revoked(77n))), 'revoked');
  t.equal(both(revoked(77n, 6), delta({ revoked: [{ serial: 77n, reason: 8 }] })), 'ok', 'taken off again');
  t.equal(both(revoked(77n), delta({})), 'revoked');
  t.equal(both({}, delta(revoked(77n), 8n)), 'ok', 'a delta for a later base does not fit');
  t.equal(both({}, delta({ ...revoked(77n), number: 7n })), 'ok', 'a delta that is no newer adds nothing');
  t.equal(both({}, delta({ ...revoked(77n), nextUpdateMs: NOW_MS - 1000 })), 'ok', 'a delta that is out of date counts no more');
  t.equal(both({ nextUpdateMs: NOW_MS - 1000 }, delta({})), 'ok', 'a current delta brings its base up to date');
  t.equal(both({}, delta({ ...revoked(77n), extensions: [issuingPoint({ flags: [1] })] })), 'ok', 'another scope');
  t.equal(code({ chain, crls: [rootCrl, delta({})] }), 'status_unknown', 'a delta without its base');
});

t.test('what is not understood is not used', async (t) => {
  t.equal(status({ extensions: [['1.2.3', true, nothing]] }), 'status_unknown', 'an extension');
  t.equal(status({ extensions: [['1.2.3', false, nothing]] }), 'ok', 'unless it does not matter');
  t.equal(status({ revoked: [{ serial: 1n, extensions: [['1.2.3', true, nothing]] }] }), 'status_unknown', 'an extension of an entry');
});

t.test('a CA that has nothing to say, and a promise to staple', async (t) => {
  const short = leaf(middle, { more: [noRevAvail] });
  const verdict = judge({ chain: [short, middle, root], crls: [rootCrl] });
  t.same(verdict.valid && verdict.statuses.map(({ status: each }) => each), ['unchecked', 'good']);
  t.equal(code({ chain: [leaf(middle, { more: [noRevAvail, crlPoints('http://x/a')] }), middle, root], crls: [rootCrl] }), 'status_unknown', 'but it names a place');
  t.equal(code({ chain: [leaf(middle, { more: [mustStaple] }), middle, root], crls: [rootCrl, crl(middle)] }), 'status_unknown');
  t.equal(code({ chain: [leaf(middle, { more: [mustStaple] }), middle, root], crls: [rootCrl], with: { revocation: 'soft' } }), 'status_unknown');
});

const raw = (tag: number, ...bytes: readonly number[]): Bytes => tlv(tag, Uint8Array.from(bytes));
const withExtensions = (...list: readonly Ext[]): CrlShape => ({ extensions: list });
const replaced = (i: number, part: Bytes): CrlShape => ({ changeParts: (parts) => parts.with(i, part) });

const MALFORMED: readonly (readonly [string, CrlShape])[] = [
  ['version 1', { changeParts: (parts) => parts.slice(1) }],
  ['version 3', replaced(0, integer(2))],
  ['a non-minimal version', replaced(0, raw(0x02, 0, 1))],
  ['another algorithm inside', replaced(1, sequence(tlv(0x06, Buffer.from('2a8648ce3d040302', 'hex'))))],
  ['no issuer', replaced(2, sequence())],
  ['a time without seconds', replaced(3, tlv(0x17, Buffer.from('2606151200Z')))],
  ['a time with a fraction', replaced(3, tlv(0x18, Buffer.from('20260615120000.5Z')))],
  ['a time with an offset', replaced(3, tlv(0x17, Buffer.from('260615120000+0100')))],
  ['30 February', replaced(3, tlv(0x17, Buffer.from('260230120000Z')))],
  ['an empty list', { changeParts: (parts) => [...parts.slice(0, 5), sequence(), ...parts.slice(5)] }],
  ['something after the extensions', { changeParts: (parts) => [...parts, nothing] }],
  ['no extensions', { changeParts: (parts) => parts.slice(0, -1) }],
  ['no CRL number', replaced(5, explicit(0, extensionList([['1.2.3', false, nothing]])))],
  ['a negative CRL number', replaced(5, explicit(0, extensionList([['2.5.29.20', false, integer(-1)]])))],
  ['an endless CRL number', replaced(5, explicit(0, extensionList([['2.5.29.20', false, integer(2n ** 170n)]])))],
  ['a critical CRL number', replaced(5, explicit(0, extensionList([['2.5.29.20', true, integer(1)]])))],
  ['an extension twice', withExtensions(['2.5.29.20', false, integer(1)])],
  ['a scope that is not critical', withExtensions(['2.5.29.28', false, issuingPoint({ flags: [1] })[2]])],
  ['an empty scope', withExtensions(['2.5.29.28', true, sequence()])],
  ['a scope of two kinds', withExtensions(issuingPoint({ flags: [1, 2] }))],
  ['a scope that spells out a default', withExtensions(['2.5.29.28', true, sequence(implicit(1, Uint8Array.of(0)))])],
  ['a scope for no reason', withExtensions(issuingPoint({ reasons: Uint8Array.of(0) }))],
  ['a delta that is not critical', withExtensions(['2.5.29.27', false, integer(1)])],
  ['reason 7', revoked(1n, 7)],
  ['reason 11', revoked(1n, 11)],
  ['a removal in a complete CRL', revoked(1n, 8)],
  ['a critical reason', { revoked: [{ serial: 1n, extensions: [['2.5.29.21', true, crlReason(1)[2]]] }] }],
  ['an issuer of an entry in a direct CRL', { revoked: [{ serial: 1n, extensions: [certificateIssuer('CN=x')] }] }],
  ['a non-minimal serial number', { revoked: [{ serial: Uint8Array.of(0, 1) }] }],
  ['an empty serial number', { revoked: [{ serial: new Uint8Array(0) }] }],
  ['a BER boolean', { changeParts: (parts) => [...parts.slice(0, -1), explicit(0, sequence(sequence(tlv(0x06, Uint8Array.of(0x55, 0x1d, 20)), raw(0x01, 1), octets(integer(1)))))] }],
  ['a spelled-out default', { changeParts: (parts) => [...parts.slice(0, -1), explicit(0, sequence(sequence(tlv(0x06, Uint8Array.of(0x55, 0x1d, 20)), boolean(false), octets(integer(1)))))] }],
  ['entries out of shape', { changeParts: (parts) => [...parts.slice(0, 5), sequence(sequence(time(NOW_MS), integer(1))), ...parts.slice(5)] }],
];

for (const [title, shape] of MALFORMED) {
  t.test(`refused as malformed: ${title}`, async (t) => {
    t.throws(() => parseCrl(crl(middle, shape)), refusal('certificate_malformed'));
  });
}

t.test('bytes after the CRL, and a CRL that is cut', async (t) => {
  const der = crl(middle, revoked(1n));
  t.throws(() => parseCrl(concat([der, Uint8Array.of(0)])), refusal('certificate_malformed'));
  for (let length = 0; length < der.length; length += 1) t.throws(() => parseCrl(der.subarray(0, length)), refusal('certificate_malformed'));
});

t.test('an index from elsewhere gives the same answers', async (t) => {
  const der = crl(middle, { revoked: Array.from({ length: 300 }, (_, i) => ({ serial: BigInt(i * 7919) })) });
  const first = parseCrl(der);
  const again = parseCrl(der, structuredClone(first.index));
  t.equal(again.entryCount, 300);
  for (const serial of [0n, 7919n, 5n, 7919n * 299n]) {
    const bytes = parseCertificate(leaf(middle, { serial: serial + 1n }).der).serial;
    t.same(again.entriesOf(bytes, () => true), first.entriesOf(bytes, () => true));
  }
});
