import t from 'tap';
import { verifyBatch, verifyBatchLines } from '../../certs/batch.ts';
import { parseIpAddress } from '../../certs/ip-address.ts';
import { writePem } from '../../certs/pem.ts';
import { alternativeNames, ca, crl, DAY_MS, keyUsage, leaf, NOW_MS, ocsp } from '../support/pki/forge.ts';
import { crypto } from '../support/test-crypto.ts';

const root = ca('CN=root');
const names = alternativeNames('dns:leaf.example', 'ip:0a000001', 'uri:spiffe://corp/a', 'email:me@leaf.example');
const subject = leaf(root, { serial: 77n, extensions: [keyUsage('digitalSignature'), names] });
const pem = (der: Uint8Array, label = 'CERTIFICATE'): string => writePem(label, der);
const base64 = (der: Uint8Array): string => Buffer.from(der).toString('base64');
const fields = { id: 'a', trust: [pem(root.der)], leaf: pem(subject.der), time: new Date(NOW_MS).toISOString(), revocation: 'off' };

interface Answer {
  readonly id: unknown;
  readonly valid: boolean;
  readonly code: string;
  readonly reason: string;
  readonly path: readonly string[];
}

const ask = (line: unknown): Answer => JSON.parse(verifyBatch(typeof line === 'string' ? line : JSON.stringify(line), crypto, NOW_MS)) as Answer;
const codeOf = (more: object): string => ask({ ...fields, ...more }).code;

t.test('an answer', async (t) => {
  t.same(ask(fields), { id: 'a', valid: true, code: 'ok', reason: '', path: ['CN=leaf', 'CN=root'] });
  const refused = ask({ ...fields, id: { any: 'thing' }, trust: [pem(ca('CN=other').der)] });
  t.match(refused, { id: { any: 'thing' }, valid: false, code: 'untrusted', reason: /CN=leaf: no path/, path: ['CN=leaf'] });
});

t.test('every field', async (t) => {
  t.equal(codeOf({ revocation: 'hard' }), 'status_unknown');
  t.equal(codeOf({ revocation: undefined }), 'status_unknown', 'hard is the default');
  t.equal(codeOf({ revocation: 'soft' }), 'ok');
  t.equal(codeOf({ revocation: 'hard', crls: [pem(crl(root), 'X509 CRL')] }), 'ok');
  t.equal(codeOf({ revocation: 'hard', crls: [pem(crl(root, { revoked: [{ serial: 77n }] }), 'X509 CRL')] }), 'revoked');
  t.equal(codeOf({ revocation: 'hard', ocsp: [base64(ocsp(root, 77n, { singles: [{}] }))] }), 'ok');
  t.equal(codeOf({ revocation: 'hard', ocsp: [base64(ocsp(root, 77n, { singles: [{}] }))], status_max_age_s: 60 }), 'status_unknown');
  t.equal(codeOf({ time: new Date(NOW_MS + 90 * DAY_MS).toISOString() }), 'expired');
  t.equal(codeOf({ time: null }), 'ok', 'now');
  t.equal(codeOf({ time: '2026-06-15T14:00:00.5+02:00' }), 'ok');
  t.equal(codeOf({ purpose: 'client' }), 'ok');
  t.equal(codeOf({ max_depth: 0 }), 'ok');
  t.equal(codeOf({ min_rsa_bits: 4096 }), 'ok');
  t.equal(codeOf({ anchors: 'key' }), 'ok');
  t.equal(codeOf({ require_explicit_policy: true, policies: ['1.2.3'] }), 'policy');
  t.equal(codeOf({ inhibit_any_policy: true, inhibit_policy_mapping: true }), 'ok');
  t.equal(codeOf({ names: ['dns:leaf.example', 'dns:LEAF.example.', 'ip:10.0.0.1', 'uri:spiffe://corp/a', 'email:me@leaf.example'] }), 'ok');
  for (const name of ['dns:x.example', 'ip:10.0.0.2', 'ip:::1', 'uri:spiffe://corp/b', 'email:you@leaf.example']) t.equal(codeOf({ names: [name] }), 'wrong_name', name);
});

t.test('what cannot be read is answered, and never accepted', async (t) => {
  const lines: unknown[] = ['', 'x', '[]', 'null', '1', '{}', '{"leaf":1}', { ...fields, leaf: '' }, { ...fields, leaf: pem(subject.der) + pem(root.der) }];
  const values: [string, unknown][] = [
    ['time', 'yesterday'],
    ['time', '2026-06-15'],
    ['time', 5],
    ['purpose', 'mail'],
    ['revocation', 'maybe'],
    ['anchors', 'none'],
    ['max_depth', -1],
    ['max_depth', '1'],
    ['min_rsa_bits', 1.5],
    ['names', ['leaf.example']],
    ['names', ['dns:*.example']],
    ['names', ['ip:1.2.3']],
    ['names', 'dns:leaf.example'],
    ['policies', ['any']],
    ['require_explicit_policy', 'yes'],
    ['trust', [1]],
    ['unknown', 1],
    ['leaf', '-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----'],
    ['leaf', '-----BEGIN CERTIFICATE-----\nAAAA'],
  ];
  for (const line of [...lines, ...values.map(([name, value]) => Object.assign({}, fields, { [name]: value }))]) {
    const answer = ask(line);
    t.equal(answer.valid, false, JSON.stringify(line).slice(0, 60));
    t.equal(answer.code, 'malformed');
    t.not(answer.reason, '');
  }
});

t.test('candidates that cannot be read do no harm, and explain a refusal', async (t) => {
  const broken = pem(Uint8Array.of(0x30, 1, 0));
  t.equal(codeOf({ untrusted: [broken, 'no PEM'] }), 'ok');
  t.match(ask({ ...fields, trust: [broken] }), { code: 'malformed', reason: /trust\[0\]/ });
  t.match(ask({ ...fields, revocation: 'hard', crls: ['no PEM'] }), { code: 'status_unknown', reason: /crls\[0\]/ });
  t.match(ask({ ...fields, revocation: 'hard', ocsp: ['%'] }), { code: 'status_unknown', reason: /ocsp\[0\]/ });
  t.equal(codeOf({ revocation: 'hard', ocsp: ['%'], crls: [pem(crl(root), 'X509 CRL')] }), 'ok');
});

t.test('lines in any pieces are answered in their order', async (t) => {
  const text = `${JSON.stringify(fields)}\n\nnot json\n${JSON.stringify({ ...fields, id: 'last' })}`;
  for (const size of [1, 7, text.length]) {
    const chunks = Array.from({ length: Math.ceil(text.length / size) }, (_, i) => text.slice(i * size, (i + 1) * size));
    const answers: Answer[] = [];
    for await (const line of verifyBatchLines(streamOf(chunks), crypto, () => NOW_MS)) answers.push(JSON.parse(line) as Answer);
    t.same(answers.map(({ id, code }) => [id, code]), [['a', 'ok'], [null, 'malformed'], ['last', 'ok']]);
  }
});

async function* streamOf(chunks: readonly string[]): AsyncGenerator<string> {
  yield* chunks;
}

t.test('addresses', async (t) => {
  t.same(parseIpAddress('10.0.0.1'), Uint8Array.of(10, 0, 0, 1));
  t.same(parseIpAddress('::'), new Uint8Array(16));
  t.same(parseIpAddress('2001:db8::1:0:0:1'), Uint8Array.from(Buffer.from('20010db8000000000001000000000001', 'hex')));
  t.same(parseIpAddress('::ffff:10.0.0.1'), Uint8Array.from(Buffer.from('00000000000000000000ffff0a000001', 'hex')));
  t.same(parseIpAddress('1:2:3:4:5:6:7:8'), Uint8Array.from(Buffer.from('00010002000300040005000600070008', 'hex')));
  for (const text of ['', '1.2.3', '1.2.3.4.5', '01.2.3.4', '256.1.1.1', ':', ':::', '1::2::3', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7::8', '12345::', '::1%eth0', '::1.2.3', '1.2.3.4::']) {
    t.equal(parseIpAddress(text), undefined, text);
  }
});
