import t from 'tap';
import { parseCertificate } from '../../certs/certificate.ts';
import { checkSvidPath, parseSpiffeId, svidOf } from '../../certs/spiffe-id.ts';
import { alternativeNames, basicConstraints, ca, type Ext, keyUsage, leaf } from '../support/pki/forge.ts';
import { refusal } from '../support/refusal.ts';

const root = ca('CN=root');
const svid = (...extensions: readonly Ext[]): ReturnType<typeof parseCertificate> => parseCertificate(leaf(root, { extensions }).der);
const named = (...names: readonly string[]): ReturnType<typeof parseCertificate> => svid(keyUsage('digitalSignature'), alternativeNames(...names));

t.test('SPIFFE IDs', async (t) => {
  t.same(parseSpiffeId('spiffe://corp.example/a/b'), { text: 'spiffe://corp.example/a/b', trustDomain: 'corp.example', path: '/a/b' });
  t.equal(parseSpiffeId('spiffe://corp_1-x.example')?.path, '');
  const wrong = ['spiffe://', 'spiffe:///a', 'spiffe://Corp/a', 'SPIFFE://corp/a', 'spiffe://corp/', 'spiffe://corp/a/', 'spiffe://corp//a', 'spiffe://corp/a/../b', 'spiffe://corp/.'];
  const foreign = ['spiffe://corp:80/a', 'spiffe://me@corp/a', 'spiffe://corp/a?b', 'spiffe://corp/a#b', 'spiffe://corp/%61', 'https://corp/a', 'spiffe:corp/a'];
  const long = [`spiffe://${'a'.repeat(256)}/a`, `spiffe://corp/${'a'.repeat(2048)}`];
  for (const text of [...wrong, ...foreign, ...long]) t.equal(parseSpiffeId(text), undefined, text.slice(0, 40));
});

t.test('the certificate of a workload', async (t) => {
  t.equal(svidOf(named('uri:spiffe://corp/a', 'dns:a.example'))?.text, 'spiffe://corp/a');
  t.equal(svidOf(named('dns:a.example', 'uri:https://a.example/')), undefined, 'no SVID');
  t.throws(() => svidOf(named('uri:spiffe://corp/a', 'uri:spiffe://corp/b')), refusal('spiffe_id_invalid', /more than one/));
  t.throws(() => svidOf(named('uri:spiffe://corp/a', 'uri:https://x.example/')), refusal('spiffe_id_invalid', /more than one/));
  t.throws(() => svidOf(named('uri:spiffe://corp')), refusal('spiffe_id_invalid', /path/));
  t.throws(() => svidOf(named('uri:SPIFFE://corp/a')), refusal('spiffe_id_invalid', /well-formed/));
  t.throws(() => svidOf(svid(alternativeNames('uri:spiffe://corp/a'))), refusal('spiffe_id_invalid', /digital/));
  t.throws(() => svidOf(svid(keyUsage('digitalSignature', 'cRLSign'), alternativeNames('uri:spiffe://corp/a'))), refusal('spiffe_id_invalid', /CRLs/));
  t.throws(() => svidOf(svid(basicConstraints(true), keyUsage('digitalSignature'), alternativeNames('uri:spiffe://corp/a'))), refusal('spiffe_id_invalid', /CA/));
});

t.test('the CAs above it', async (t) => {
  const below = (...names: readonly string[]): ReturnType<typeof parseCertificate>[] => [
    named('uri:spiffe://corp/a'),
    parseCertificate(ca('CN=signer', root, { more: names.length === 0 ? [] : [alternativeNames(...names)] }).der),
  ];
  t.doesNotThrow(() => checkSvidPath(below()));
  t.doesNotThrow(() => checkSvidPath(below('uri:spiffe://corp')));
  t.throws(() => checkSvidPath(below('uri:spiffe://corp/a')), refusal('spiffe_id_invalid', /workload/));
  t.throws(() => checkSvidPath(below('uri:spiffe://corp', 'uri:spiffe://other')), refusal('spiffe_id_invalid', /more than one/));
});
