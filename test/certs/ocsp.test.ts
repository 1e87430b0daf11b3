import t from 'tap';
import { type Bytes, concat } from '../../base/bytes.ts';
import { parseOcspResponse } from '../../certs/ocsp.ts';
import { code, judge, type Case } from '../support/pki/judging.ts';
import { enumerated, explicit, generalizedTime, implicit, integer, nothing, octets, oid, sequence, tlv } from '../support/pki/der.ts';
import {
  ca,
  certificate,
  crl,
  DAY_MS,
  extendedKeyUsage,
  type Holder,
  key,
  keyUsage,
  leaf,
  mustStaple,
  noCheck,
  NOW_MS,
  ocsp,
  type OcspShape,
  type SingleShape,
} from '../support/pki/forge.ts';
import { refusal } from '../support/refusal.ts';

const root = ca('CN=root');
const subject = leaf(root, { serial: 77n });
const chain = [subject, root];

function responder(more: Partial<Parameters<typeof certificate>[0]> = {}, issuer: Holder = root): Holder {
  return certificate({
    subject: 'CN=responder',
    key: key('responder'),
    issuer,
    extensions: [keyUsage('digitalSignature'), extendedKeyUsage('ocsp'), noCheck],
    ...more,
  });
}

const answer = (single: Partial<SingleShape> = {}, shape: Partial<OcspShape> = {}): Bytes => ocsp(root, 77n, { singles: [single], ...shape });
const status = (single: Partial<SingleShape> = {}, shape: Partial<OcspShape> = {}, wanted: Partial<Case> = {}): string => code({ chain, ocsp: [answer(single, shape)], ...wanted });
const delegated = (holder: Holder, wanted: Partial<Case> = {}): string => status({}, { signer: holder, certificates: [holder.der] }, wanted);

t.test('answers of the issuer', async (t) => {
  t.equal(status(), 'ok');
  t.equal(status({}, { byName: true }), 'ok', 'by name');
  t.equal(status({ hash: 'sha256' }), 'ok', 'by SHA-256');
  t.equal(status({ status: {} }), 'revoked');
  for (const reason of [0, 1, 4, 6, 9]) t.equal(status({ status: { reason } }), 'revoked', `reason ${reason}`);
  t.equal(status({ status: 'unknown' }), 'status_unknown');
  t.equal(status({ status: 'unknown' }, {}, { with: { revocation: 'soft' } }), 'ok', 'soft lets pass');
  t.equal(status({ status: {} }, {}, { with: { revocation: 'soft' } }), 'revoked');
});

t.test('answers about somebody else', async (t) => {
  t.equal(status({ serial: 78n }), 'status_unknown');
  t.equal(status({ issuerKey: key('other') }), 'status_unknown', 'another key of the issuer');
  t.equal(status({ issuerName: 'CN=other' }), 'status_unknown', 'another name of the issuer');
  t.equal(status({ serial: 78n, status: {} }), 'status_unknown', 'whose revocation is none of ours');
});

t.test('several answers in one', async (t) => {
  const several = (...singles: readonly Partial<SingleShape>[]): string => code({ chain, ocsp: [ocsp(root, 77n, { singles })] });
  t.equal(several({ serial: 1n, status: {} }, {}, { serial: 2n }), 'ok');
  t.equal(several({}, { status: {} }), 'revoked', 'a revocation wins');
  t.equal(several({}, { status: 'unknown' }), 'status_unknown', 'a contradiction is no answer');
  t.equal(several(), 'status_unknown', 'none at all');
  t.equal(code({ chain, ocsp: [answer({ nextUpdateMs: NOW_MS - 1000 }), answer()] }), 'ok', 'the current one of two');
  t.equal(code({ chain, ocsp: [answer(), answer({ status: {} })] }), 'revoked');
});

t.test('times', async (t) => {
  t.equal(status({ nextUpdateMs: NOW_MS }), 'ok', 'the last second');
  t.equal(status({ nextUpdateMs: NOW_MS - 1000 }), 'status_unknown', 'out of date');
  t.equal(status({ nextUpdateMs: NOW_MS - 1000 }, {}, { with: { clockSkewMs: 2000 } }), 'ok', 'within the tolerance');
  t.equal(status({ nextUpdateMs: NOW_MS - 1000, status: {} }), 'revoked', 'revoked stays revoked');
  t.equal(status({ nextUpdateMs: NOW_MS - 1000, status: { reason: 6 } }), 'status_unknown', 'a hold may be over');
  t.equal(status({ thisUpdateMs: NOW_MS + 1000 }), 'status_unknown', 'from the future');
  t.equal(status({}, { producedAtMs: NOW_MS + 1000 }), 'ok', 'when it was signed does not matter');
  t.equal(status({ nextUpdateMs: null }), 'ok', 'without an end, an hour old');
  t.equal(status({ nextUpdateMs: null, thisUpdateMs: NOW_MS - 3650 * DAY_MS }), 'status_unknown', 'without an end, ten years old');
  t.equal(status({ thisUpdateMs: NOW_MS - 3 * DAY_MS }, {}, { with: { statusMaxAgeMs: DAY_MS } }), 'status_unknown', 'too old');
  t.equal(status({ nextUpdateMs: null, thisUpdateMs: NOW_MS - 3 * DAY_MS }, {}, { with: { statusMaxAgeMs: 4 * DAY_MS } }), 'ok', 'as old as is allowed');
  const verdict = judge({ chain, ocsp: [answer({ nextUpdateMs: NOW_MS + 5000 })] });
  t.equal(verdict.valid && verdict.validUntilMs, NOW_MS + 6000);
});

t.test('delegated responders', async (t) => {
  t.equal(delegated(responder()), 'ok');
  t.equal(status({}, { signer: responder(), certificates: [responder().der], byName: true }), 'ok', 'by name');
  t.equal(status({}, { signer: responder() }, { chain: [subject, responder(), root] }), 'ok', 'its certificate is at hand already');
  t.equal(status({}, { signer: responder() }), 'status_unknown', 'its certificate is missing');
  t.equal(status({ status: {} }, { signer: responder(), certificates: [responder().der] }), 'revoked');
  t.equal(delegated(responder({ extensions: [keyUsage('digitalSignature'), noCheck] })), 'status_unknown', 'without the purpose');
  t.equal(delegated(responder({ extensions: [extendedKeyUsage('any'), noCheck] })), 'status_unknown', 'with any purpose');
  t.equal(delegated(responder({ extensions: [extendedKeyUsage('server'), noCheck] })), 'status_unknown', 'with another purpose');
  t.equal(delegated(responder({ extensions: [keyUsage('keyEncipherment'), extendedKeyUsage('ocsp'), noCheck] })), 'status_unknown', 'with a key that may not sign');
  t.equal(delegated(responder({ notAfterMs: NOW_MS - 1000 })), 'status_unknown', 'expired');
  t.equal(delegated(responder({ notBeforeMs: NOW_MS + 1000 })), 'status_unknown', 'not yet valid');
  t.equal(delegated(responder({ extensions: [extendedKeyUsage('ocsp'), noCheck, ['1.2.3', true, nothing]] })), 'status_unknown', 'with an unknown critical extension');
  t.equal(delegated(responder({}, ca('CN=other'))), 'status_unknown', 'of another CA');
  t.equal(delegated(responder({}, { ...root, key: key('other') })), 'status_unknown', 'of a CA that has only the name');
  const middle = ca('CN=middle', root);
  t.equal(status({}, { signer: responder({}, middle), certificates: [responder({}, middle).der, middle.der] }), 'status_unknown', 'of a CA below the issuer');
  t.equal(status({}, { signer: subject, certificates: [subject.der] }), 'status_unknown', 'the certificate itself');
  const end = judge({ chain, ocsp: [answer({}, { signer: responder({ notAfterMs: NOW_MS + 5000 }), certificates: [responder({ notAfterMs: NOW_MS + 5000 }).der] })] });
  t.equal(end.valid && end.validUntilMs, NOW_MS + 6000, 'the verdict ends with the responder');
});

t.test('a responder without nocheck needs a status of its own', async (t) => {
  const checked = responder({ serial: 500n, extensions: [extendedKeyUsage('ocsp')] });
  t.equal(delegated(checked), 'status_unknown');
  t.equal(delegated(checked, { with: { revocation: 'soft' } }), 'ok');
  // The CRL speaks about user certificates in general; what it says about the leaf agrees.
  t.equal(delegated(checked, { crls: [crl(root)] }), 'ok');
  const gone = responder({ serial: 500n });
  t.equal(delegated(gone, { crls: [crl(root)] }), 'ok');
  t.equal(delegated(gone, { crls: [crl(root, { revoked: [{ serial: 500n }] })], chain: [leaf(root, { serial: 77n, more: [mustStaple] }), root] }), 'status_unknown', 'nocheck, but known to be revoked');
  t.equal(delegated(checked, { crls: [crl(root, { revoked: [{ serial: 500n }] })], chain: [leaf(root, { serial: 77n, more: [mustStaple] }), root] }), 'status_unknown');
});

t.test('strangers', async (t) => {
  t.equal(status({}, { signer: { subject: 'CN=root', key: key('stranger') }, byName: true }), 'status_unknown', 'with the name of the issuer');
  const flip = (each: Uint8Array): Uint8Array => each.map((byte, i) => (i === 9 ? byte ^ 1 : byte));
  t.equal(status({}, { changeSignature: flip }), 'status_unknown', 'a broken signature');
  t.equal(status({ status: {} }, { changeSignature: flip }), 'status_unknown', 'a broken signature proves no revocation either');
  const self = certificate({ subject: 'CN=responder', key: key('self'), extensions: [extendedKeyUsage('ocsp'), noCheck] });
  t.equal(delegated(self), 'status_unknown', 'a self-made responder');
});

t.test('CRL and OCSP together', async (t) => {
  t.equal(code({ chain, ocsp: [answer()], crls: [crl(root, { revoked: [{ serial: 77n }] })] }), 'revoked', 'the CRL revokes');
  t.equal(code({ chain, ocsp: [answer({ status: {} })], crls: [crl(root)] }), 'revoked', 'OCSP revokes');
  t.equal(code({ chain, ocsp: [answer({ status: 'unknown' })], crls: [crl(root)] }), 'ok', 'one of them knows');
});

t.test('must-staple', async (t) => {
  const promised = leaf(root, { serial: 77n, more: [mustStaple] });
  t.equal(code({ chain: [promised, root], ocsp: [answer()] }), 'ok');
  t.equal(code({ chain: [promised, root], ocsp: [answer()], crls: [crl(root)] }), 'ok');
  t.equal(code({ chain: [promised, root], ocsp: [answer({ nextUpdateMs: NOW_MS - 1000 })], with: { revocation: 'soft' } }), 'status_unknown');
  t.equal(code({ chain: [promised, root], with: { revocation: 'off' } }), 'ok');
});

t.test('critical extensions', async (t) => {
  const unknown = ['1.2.3', true, nothing] as const;
  t.equal(status({}, { extensions: [unknown] }), 'status_unknown');
  t.equal(status({ extensions: [unknown] }), 'status_unknown');
  t.equal(status({}, { extensions: [['1.2.3', false, nothing]] }), 'ok');
});

t.test('the nonce is read', async (t) => {
  const withNonce = (value: Bytes): Bytes => answer({}, { extensions: [['1.3.6.1.5.5.7.48.1.2', false, value]] });
  t.same(parseOcspResponse(withNonce(octets(Uint8Array.of(1, 2, 3)))).nonce, Uint8Array.of(1, 2, 3));
  t.equal(parseOcspResponse(answer()).nonce, undefined);
  t.throws(() => parseOcspResponse(withNonce(octets())), refusal('certificate_malformed'));
  t.throws(() => parseOcspResponse(withNonce(octets(new Uint8Array(129)))), refusal('certificate_malformed'));
  t.throws(() => parseOcspResponse(withNonce(Uint8Array.of(1, 2, 3))), refusal('certificate_malformed'));
});

t.test('error answers are no answers', async (t) => {
  for (const each of [1, 2, 3, 5, 6]) t.throws(() => parseOcspResponse(sequence(enumerated(each))), refusal('certificate_status_unknown'));
  for (const each of [0, 4, 7]) t.throws(() => parseOcspResponse(sequence(enumerated(each))), refusal('certificate_malformed'));
});

const basic = (type: string, content: Bytes): Bytes => sequence(enumerated(0), explicit(0, sequence(oid(type), octets(content))));
const changed = (i: number, part: Bytes): Bytes => answer({}, { changeParts: (parts) => parts.with(i, part) });
const MALFORMED: readonly (readonly [string, Bytes])[] = [
  ['an unknown type', basic('1.2.3', sequence())],
  ['nothing in it', basic('1.3.6.1.5.5.7.48.1.1', sequence())],
  ['a version', answer({}, { changeParts: (parts) => [explicit(0, integer(0)), ...parts] })],
  ['a responder by a wrong tag', changed(0, explicit(3, octets(new Uint8Array(20))))],
  ['a responder by half a key', changed(0, explicit(2, octets(new Uint8Array(10))))],
  ['producedAt as UTCTime', changed(1, tlv(0x17, Buffer.from('260615120000Z')))],
  ['producedAt with a fraction', changed(1, tlv(0x18, Buffer.from('20260615120000.1Z')))],
  ['something more', answer({}, { changeParts: (parts) => [...parts, nothing] })],
  ['empty extensions', answer({}, { extensions: [] })],
  ['an extension twice', answer({}, { extensions: [['1.2.3', false, nothing], ['1.2.3', false, nothing]] })],
  ['an end before its beginning', answer({ thisUpdateMs: NOW_MS, nextUpdateMs: NOW_MS - 1000 })],
  ['a status with content', changed(2, sequence(sequence(certId(), implicit(0, Uint8Array.of(1)), generalizedTime(NOW_MS))))],
  ['an undefined status', changed(2, sequence(sequence(certId(), implicit(3, new Uint8Array(0)), generalizedTime(NOW_MS))))],
  ['an undefined reason', answer({ status: { reason: 7 } })],
  ['a hash of a wrong length', changed(2, sequence(sequence(certId(19), implicit(0, new Uint8Array(0)), generalizedTime(NOW_MS))))],
];

function certId(length = 20): Bytes {
  return sequence(sequence(oid('1.3.14.3.2.26'), nothing), octets(new Uint8Array(length)), octets(new Uint8Array(20)), integer(77));
}

for (const [title, der] of MALFORMED) {
  t.test(`refused as malformed: ${title}`, async (t) => {
    t.throws(() => parseOcspResponse(der), refusal('certificate_malformed'));
  });
}

t.test('bytes after the answer, and an answer that is cut', async (t) => {
  const der = answer();
  t.throws(() => parseOcspResponse(concat([der, Uint8Array.of(0)])), refusal('certificate_malformed'));
  for (let length = 0; length < der.length; length += 1) t.throws(() => parseOcspResponse(der.subarray(0, length)), refusal('certificate_malformed'));
});
