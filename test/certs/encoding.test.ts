import t from 'tap';
import { type Bytes, concat } from '../../base/bytes.ts';
import { parseCertificate } from '../../certs/certificate.ts';
import { bitString, boolean, explicit, implicit, integer, name, nothing, octets, oid, printable, sequence, setOf, time, tlv, utf8String } from '../support/pki/der.ts';
import { alternativeNames, ca, certificate, crlPoints, type CertificateShape, type Ext, extensionList, generalName, key, keyUsage, leaf, nameConstraints, NOW_MS } from '../support/pki/forge.ts';
import { refusal } from '../support/refusal.ts';

const root = ca('CN=root');
const raw = (tag: number, ...bytes: readonly number[]): Bytes => tlv(tag, Uint8Array.from(bytes));

const make = (shape: Partial<CertificateShape>): Bytes => certificate({ subject: 'CN=leaf', key: key('leaf'), issuer: root, extensions: [keyUsage('digitalSignature')], ...shape }).der;
const extended = (...extensions: readonly Ext[]): Bytes => make({ extensions });
/** 0 version, 1 serial, 2 algorithm, 3 issuer, 4 validity, 5 subject, 6 key, 7 extensions */
const part = (i: number, replacement: Bytes): Bytes => make({ changeParts: (parts) => parts.with(i, replacement) });
const validity = (from: Bytes, to: Bytes = time(NOW_MS)): Bytes => part(4, sequence(from, to));
const utc = (text: string): Bytes => tlv(0x17, Buffer.from(text));
const general = (text: string): Bytes => tlv(0x18, Buffer.from(text));
const keyOf = (algorithm: Bytes, bits: Bytes): Bytes => part(6, sequence(algorithm, bits));
const ed25519 = sequence(oid('1.3.101.112'));
const rsa = sequence(oid('1.2.840.113549.1.1.1'), nothing);
const p256 = sequence(oid('1.2.840.10045.2.1'), oid('1.2.840.10045.3.1.7'));
const modulus = 2n ** 2047n + 1n;
const extensionOf = (id: string, ...parts: readonly Bytes[]): Bytes => part(7, explicit(3, sequence(sequence(oid(id), ...parts))));
const withName = (value: Bytes): Bytes => part(5, sequence(setOf(sequence(oid('2.5.4.3'), value))));

t.test('well-formed variants are read', async (t) => {
  t.equal(parseCertificate(make({})).version, 3);
  t.equal(parseCertificate(validity(general('20260101000000Z'))).notBeforeMs, Date.UTC(2026, 0, 1), 'GeneralizedTime before 2050 must be understood');
  t.equal(parseCertificate(validity(utc('500101000000Z'))).notBeforeMs, Date.UTC(1950, 0, 1));
  t.equal(parseCertificate(validity(utc('491231235959Z'))).notBeforeMs, Date.UTC(2049, 11, 31, 23, 59, 59));
  t.equal(parseCertificate(validity(utc('240229000000Z'))).notBeforeMs, Date.UTC(2024, 1, 29));
  t.equal(parseCertificate(make({ serial: 2n ** 159n - 1n })).serial.length, 20);
  t.equal(parseCertificate(make({ changeParts: (parts) => parts.slice(1, -1) })).version, 1);
  t.equal(parseCertificate(make({ changeParts: (parts) => [explicit(0, integer(1)), ...parts.slice(1, -1), implicit(2, Uint8Array.of(0, 1))] })).version, 2);
  t.equal(parseCertificate(keyOf(rsa, bitString(sequence(integer(modulus), integer(65537))))).publicKey.text, 'RSA 2048');
});

t.test('names are equal in every string type, whatever their case and space', async (t) => {
  const keyOfName = (value: Bytes): string => parseCertificate(withName(value)).subject.key;
  const plain = keyOfName(utf8String('Ab c'));
  const same = [printable('AB C'), utf8String('  ab   C '), tlv(0x1e, Buffer.from('\0A\0b\0 \0c', 'latin1')), tlv(0x14, Buffer.from('ab c')), utf8String('a\u00adb\u00a0c')];
  for (const each of same) t.equal(keyOfName(each), plain);
  t.not(keyOfName(utf8String('Abc')), plain);
  t.equal(keyOfName(utf8String('Stra\u00dfe')), keyOfName(utf8String('STRASSE')));
  t.equal(keyOfName(utf8String('e\u0301')), keyOfName(utf8String('\u00c9')));
});

const MALFORMED: readonly (readonly [string, Bytes])[] = [
  ['version 1 spelled out', part(0, explicit(0, integer(0)))],
  ['version 4', part(0, explicit(0, integer(3)))],
  ['a non-minimal version', part(0, explicit(0, raw(0x02, 0, 2)))],
  ['extensions in version 1', make({ changeParts: (parts) => parts.slice(1) })],
  ['extensions in version 2', part(0, explicit(0, integer(1)))],
  ['unique identifiers in version 1', make({ changeParts: (parts) => [...parts.slice(1, -1), implicit(1, Uint8Array.of(0, 1))] })],
  ['a negative serial number', part(1, integer(-5))],
  ['the serial number zero', part(1, integer(0))],
  ['a serial number of 21 octets', part(1, integer(2n ** 160n))],
  ['a non-minimal serial number', part(1, raw(0x02, 0, 5))],
  ['an empty serial number', part(1, raw(0x02))],
  ['two algorithms', part(2, sequence(oid('1.2.840.10045.4.3.2')))],
  ['the same algorithm with parameters outside', make({ outerAlgorithm: sequence(oid('1.3.101.112'), nothing) })],
  ['ECDSA with parameters', make({ changeParts: (parts) => parts.with(2, sequence(oid('1.2.840.10045.4.3.2'), nothing)), outerAlgorithm: sequence(oid('1.2.840.10045.4.3.2'), nothing) })],
  ['RSA with strange parameters', make({ changeParts: (parts) => parts.with(2, sequence(oid('1.2.840.113549.1.1.11'), integer(1))), outerAlgorithm: sequence(oid('1.2.840.113549.1.1.11'), integer(1)) })],
  ['no issuer', part(3, sequence())],
  ['an empty relative name', part(3, sequence(setOf()))],
  ['an attribute without a value', part(3, sequence(setOf(sequence(oid('2.5.4.3')))))],
  ['a relative name out of order', part(3, sequence(tlv(0x31, sequence(oid('2.5.4.10'), utf8String('b')), sequence(oid('2.5.4.3'), utf8String('a')))))],
  ['a name that is not UTF-8', withName(raw(0x0c, 0xff, 0xfe))],
  ['an asterisk in a PrintableString', withName(printable('*'))],
  ['half a BMPString', withName(raw(0x1e, 0, 65, 0))],
  ['a surrogate in a BMPString', withName(raw(0x1e, 0xd8, 0))],
  ['a constructed string', withName(tlv(0x2c, utf8String('a')))],
  ['a time without seconds', validity(utc('2601010000Z'))],
  ['a time with a fraction', validity(general('20260101000000.5Z'))],
  ['a time with an offset', validity(utc('260101000000+0000'))],
  ['a time without a zone', validity(general('20260101000000'))],
  ['30 February', validity(utc('260230000000Z'))],
  ['hour 24', validity(utc('260101240000Z'))],
  ['a leap second', validity(utc('161231235960Z'))],
  ['letters in a time', validity(utc('26010100000aZ'))],
  ['one time only', part(4, sequence(time(NOW_MS)))],
  ['three times', part(4, sequence(time(NOW_MS), time(NOW_MS), time(NOW_MS)))],
  ['a key with unused bits', keyOf(ed25519, bitString(new Uint8Array(32), 3))],
  ['an Ed25519 key with parameters', keyOf(sequence(oid('1.3.101.112'), nothing), bitString(new Uint8Array(32)))],
  ['a short Ed25519 key', keyOf(ed25519, bitString(new Uint8Array(31)))],
  ['an RSA key without NULL', keyOf(sequence(oid('1.2.840.113549.1.1.1')), bitString(sequence(integer(modulus), integer(3))))],
  ['a negative modulus', keyOf(rsa, bitString(sequence(integer(-modulus), integer(3))))],
  ['an even modulus', keyOf(rsa, bitString(sequence(integer(modulus + 1n), integer(3))))],
  ['the exponent 1', keyOf(rsa, bitString(sequence(integer(modulus), integer(1))))],
  ['bytes after an RSA key', keyOf(rsa, bitString(concat([sequence(integer(modulus), integer(3)), nothing])))],
  ['a curve by NULL', keyOf(sequence(oid('1.2.840.10045.2.1'), nothing), bitString(new Uint8Array(65)))],
  ['a point at infinity', keyOf(p256, bitString(Uint8Array.of(0)))],
  ['a short point', keyOf(p256, bitString(Uint8Array.of(4, 1, 2)))],
  ['a hybrid point', keyOf(p256, bitString(new Uint8Array(65).fill(6, 0, 1)))],
  ['no extensions in the list', part(7, explicit(3, sequence()))],
  ['an extension twice', make({ extensions: [keyUsage('digitalSignature'), keyUsage('digitalSignature')] })],
  ['critical FALSE spelled out', extensionOf('1.2.3', boolean(false), octets())],
  ['critical as BER', extensionOf('1.2.3', raw(0x01, 1), octets())],
  ['an extension without a value', extensionOf('1.2.3', boolean(true))],
  ['bytes after a value', extended(['2.5.29.15', true, concat([bitString(Uint8Array.of(0x80), 7), nothing])])],
  ['cA FALSE spelled out', extended(['2.5.29.19', true, sequence(boolean(false))])],
  ['cA as BER', extended(['2.5.29.19', true, sequence(raw(0x01, 1))])],
  ['pathLen without cA', extended(['2.5.29.19', true, sequence(integer(0))])],
  ['a negative pathLen', extended(['2.5.29.19', true, sequence(boolean(true), integer(-1))])],
  ['key usage of nothing', extended(['2.5.29.15', true, bitString(Uint8Array.of())])],
  ['key usage with trailing zeros', extended(['2.5.29.15', true, bitString(Uint8Array.of(0x80), 0)])],
  ['key usage with unused bits set', extended(['2.5.29.15', true, bitString(Uint8Array.of(0x81), 7)])],
  ['key usage with an unknown bit', extended(['2.5.29.15', true, bitString(Uint8Array.of(0x80, 0x40), 6)])],
  ['an empty extended key usage', extended(['2.5.29.37', false, sequence()])],
  ['an empty subjectAltName', extended(['2.5.29.17', false, sequence()])],
  ['a DNS name with an underscore', extended(alternativeNames('dns:a_b.example'))],
  ['a DNS name with a space', extended(alternativeNames('dns: '))],
  ['an address as a DNS name', extended(alternativeNames('dns:10.0.0.1'))],
  ['a zero byte in a DNS name', extended(alternativeNames('dns:a.example\0.test'))],
  ['a wildcard in the middle', extended(alternativeNames('dns:a.*.example'))],
  ['a wildcard as a part', extended(alternativeNames('dns:a*.example'))],
  ['a trailing period', extended(alternativeNames('dns:a.example.'))],
  ['an international DNS name', extended(alternativeNames('dns:b\u00fccher.example'))],
  ['an address of 5 bytes', extended(alternativeNames('ip:0a00000001'))],
  ['a relative URI', extended(alternativeNames('uri:/a/b'))],
  ['an e-mail address without a host', extended(alternativeNames('email:a'))],
  ['a name of an unknown kind', extended(['2.5.29.17', false, sequence(implicit(9, Uint8Array.of(1)))])],
  ['a critical subject key identifier', extended(['2.5.29.14', true, octets(Uint8Array.of(1))])],
  ['a critical authority key identifier', extended(['2.5.29.35', true, sequence(implicit(0, Uint8Array.of(1)))])],
  ['an issuer without a serial number', extended(['2.5.29.35', false, sequence(implicit(0, Uint8Array.of(1)), explicit(1, generalName('dir:CN=a')))])],
  ['name constraints that are not critical', extended(['2.5.29.30', false, nameConstraints(['dns:a'])[2]])],
  ['empty name constraints', extended(['2.5.29.30', true, sequence()])],
  ['an empty list of subtrees', extended(['2.5.29.30', true, sequence(explicit(0))])],
  ['a minimum spelled out', extended(['2.5.29.30', true, sequence(explicit(0, sequence(generalName('dns:a'), implicit(0, Uint8Array.of(0)))))])],
  ['a maximum', extended(['2.5.29.30', true, sequence(explicit(0, sequence(generalName('dns:a'), implicit(1, Uint8Array.of(1)))))])],
  ['a DNS subtree with a leading period', extended(nameConstraints(['dns:.example']))],
  ['an address range with a hole', extended(nameConstraints(['ip:0a000000ff00ff00']))],
  ['an address range of a wrong length', extended(nameConstraints(['ip:0a000000']))],
  ['a URI as a URI subtree', extended(nameConstraints(['uri:https://a.example']))],
  ['a policy twice', extended(['2.5.29.32', false, sequence(sequence(oid('1.2.3')), sequence(oid('1.2.3')))])],
  ['no policy', extended(['2.5.29.32', false, sequence()])],
  ['an unknown qualifier that is critical', extended(['2.5.29.32', true, sequence(sequence(oid('1.2.3'), sequence(sequence(oid('1.2.4'), nothing))))])],
  ['a mapping of anyPolicy', extended(['2.5.29.33', true, sequence(sequence(oid('2.5.29.32.0'), oid('1.2.3')))])],
  ['policy constraints of nothing', extended(['2.5.29.36', true, sequence()])],
  ['inhibitAnyPolicy that is not critical', extended(['2.5.29.54', false, integer(0)])],
  ['a negative inhibitAnyPolicy', extended(['2.5.29.54', true, integer(-1)])],
  ['no distribution point', extended(['2.5.29.31', false, sequence()])],
  ['a distribution point of nothing', extended(['2.5.29.31', false, sequence(sequence())])],
  ['a distribution point of reasons alone', extended(['2.5.29.31', false, sequence(sequence(implicit(1, Uint8Array.of(6, 0x40))))])],
  ['a critical freshestCRL', extended(['2.5.29.46', true, crlPoints('http://x/')[2]])],
  ['critical authority information', extended(['1.3.6.1.5.5.7.1.1', true, sequence(sequence(oid('1.3.6.1.5.5.7.48.1'), generalName('uri:http://x/')))])],
  ['a CA without a subject', certificate({ subject: '', key: key('leaf'), issuer: root, extensions: [['2.5.29.19', true, sequence(boolean(true))], ['2.5.29.17', true, alternativeNames('dns:a')[2]]] }).der],
  ['neither subject nor name', make({ subject: '' })],
  ['no subject and a name that is not critical', make({ subject: '', extensions: [alternativeNames('dns:a.example')] })],
  ['something after the extensions', make({ changeParts: (parts) => [...parts, nothing] })],
  ['parts in another order', make({ changeParts: ([version, serial, ...others]) => [serial as Bytes, version as Bytes, ...others] })],
  ['an empty certificate', sequence()],
  ['no signature', sequence(sequence(), ed25519)],
  ['an empty signature', make({ changeSignature: () => new Uint8Array(0) })],
  ['names of the issuer in a set', part(3, setOf(name('CN=root')))],
];

for (const [title, der] of MALFORMED) {
  t.test(`refused as malformed: ${title}`, async (t) => {
    t.throws(() => parseCertificate(der), refusal('certificate_malformed'));
  });
}

t.test('lengths: longer than needed, indefinite, beyond the end', async (t) => {
  const der = leaf(root).der;
  const body = der.subarray(4);
  const long = Uint8Array.of(0x30, 0x83, 0, der[2] as number, der[3] as number);
  t.throws(() => parseCertificate(concat([long, body])), refusal('certificate_malformed', /not minimal/));
  t.throws(() => parseCertificate(concat([Uint8Array.of(0x30, 0x80), body, Uint8Array.of(0, 0)])), refusal('certificate_malformed', /indefinite/));
  t.throws(() => parseCertificate(concat([Uint8Array.of(0x30, 0x85, 1, 0, 0, 0, 0), body])), refusal('certificate_malformed', /out of range/));
  t.throws(() => parseCertificate(concat([der, Uint8Array.of(0)])), refusal('certificate_malformed', /trailing/));
  for (let length = 0; length < der.length; length += 1) t.throws(() => parseCertificate(der.subarray(0, length)), refusal('certificate_malformed'));
});

t.test('what is too large or too deep is refused before it costs anything', async (t) => {
  t.throws(() => parseCertificate(new Uint8Array(600_000)), refusal('certificate_limit'));
  let deep: Bytes = nothing;
  for (let i = 0; i < 200; i += 1) deep = sequence(deep);
  t.throws(() => parseCertificate(sequence(deep, deep, deep)), refusal('certificate_malformed', /deeper/));
  const many = extensionList(Array.from({ length: 2000 }, (_, i): Ext => [`1.2.3.${i}`, false, octets()]));
  t.doesNotThrow(() => parseCertificate(part(7, explicit(3, many))));
});
