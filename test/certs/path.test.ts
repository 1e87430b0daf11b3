import t from 'tap';
import { code, judge, type Case } from '../support/pki/judging.ts';
import { explicit, implicit, integer, nothing, octets, sequence, tlv } from '../support/pki/der.ts';
import {
  alternativeNames,
  basicConstraints,
  ca,
  certificate,
  crl,
  DAY_MS,
  type Ext,
  extendedKeyUsage,
  generalName,
  issuingPoint,
  key,
  keyUsage,
  leaf,
  nameConstraints,
  NOW_MS,
  policies,
  policyConstraints,
  policyMappings,
  type Holder,
} from '../support/pki/forge.ts';

const root = ca('CN=root');
const middle = ca('CN=middle', root);
const good = leaf(middle);
const past = { notBeforeMs: NOW_MS - 20 * DAY_MS, notAfterMs: NOW_MS - DAY_MS };
const future = { notBeforeMs: NOW_MS + DAY_MS };
const unknownCritical = ['1.2.3.4', true, nothing] as const;

function refuses(title: string, expected: string, wanted: Case): void {
  t.test(`${title}: ${expected}`, async (t) => {
    t.equal(code(wanted), expected);
  });
}

/** A chain whose intermediate has been changed. */
function through(changed: Holder): readonly Holder[] {
  return [leaf(changed), changed, root];
}

t.test('an honest chain is accepted, with its path and its end', async (t) => {
  const verdict = judge({ chain: [good, middle, root] });
  t.ok(verdict.valid);
  if (!verdict.valid) return;
  t.same(verdict.path.map(({ subject }) => subject.text), ['CN=leaf', 'CN=middle', 'CN=root']);
  t.equal(verdict.validUntilMs, NOW_MS + 30 * DAY_MS + 1000);
  t.same(verdict.statuses.map(({ status }) => status), ['unchecked', 'unchecked']);
});

refuses('a leaf that expired', 'expired', { chain: [leaf(middle, past), middle, root] });
refuses('an intermediate that expired', 'expired', { chain: through(ca('CN=middle', root, past)) });
refuses('an anchor that expired', 'expired', { chain: [leaf(ca('CN=r', undefined, past)), ca('CN=r', undefined, past)] });
refuses('the key of an anchor that expired', 'ok', { chain: [leaf(ca('CN=r', undefined, past)), ca('CN=r', undefined, past)], with: { anchorMode: 'key' } });
refuses('a leaf of tomorrow', 'not_yet_valid', { chain: [leaf(middle, future), middle, root] });
refuses('a leaf of tomorrow with a tolerance of two days', 'ok', { chain: [leaf(middle, future), middle, root], with: { clockSkewMs: 2 * DAY_MS } });
refuses('the last second of the validity', 'ok', { chain: [good, middle, root], with: { timeMs: NOW_MS + 30 * DAY_MS + 999 } });
refuses('the second after it', 'expired', { chain: [good, middle, root], with: { timeMs: NOW_MS + 30 * DAY_MS + 1000 } });
refuses('no anchor of that name', 'untrusted', { chain: [good, middle], anchors: [ca('CN=other')] });
refuses('a missing intermediate', 'untrusted', { chain: [good, root] });
refuses('an anchor of that name with another key', 'bad_signature', { chain: [good, middle], anchors: [ca('CN=root', undefined, { key: key('stranger') })] });
refuses('a leaf whose signature was changed', 'bad_signature', {
  chain: [leaf(middle, { changeSignature: (each) => each.map((byte, i) => (i === 5 ? byte ^ 1 : byte)) }), middle, root],
});
refuses('an intermediate that is no CA', 'constraint', { chain: through(ca('CN=middle', root, { extensions: [basicConstraints(false), keyUsage('digitalSignature')] })) });
refuses('an intermediate without basic constraints', 'constraint', { chain: through(ca('CN=middle', root, { extensions: [keyUsage('digitalSignature')] })) });
refuses('an intermediate that may not sign certificates', 'wrong_usage', { chain: through(ca('CN=middle', root, { extensions: [basicConstraints(true), keyUsage('cRLSign')] })) });
refuses('an intermediate without key usage', 'ok', { chain: through(ca('CN=middle', root, { extensions: [basicConstraints(true)] })) });
refuses('a CA below pathLen 0', 'constraint', {
  chain: ((): Holder[] => {
    const short = ca('CN=short', root, { extensions: [basicConstraints(true, 0), keyUsage('keyCertSign')] });
    const below = ca('CN=below', short);
    return [leaf(below), below, short, root];
  })(),
});
refuses('a self-issued CA below pathLen 0', 'ok', {
  chain: ((): Holder[] => {
    const short = ca('CN=short', root, { extensions: [basicConstraints(true, 0), keyUsage('keyCertSign')] });
    const same = ca('CN=short', short, { key: key('rolled over') });
    return [leaf(same), same, short, root];
  })(),
});
refuses('pathLen of the anchor', 'constraint', {
  chain: ((): Holder[] => {
    const short = ca('CN=short', undefined, { extensions: [basicConstraints(true, 0), keyUsage('keyCertSign')] });
    const below = ca('CN=below', short);
    return [leaf(below), below, short];
  })(),
});
refuses('more intermediates than maxDepth', 'limit', { chain: [good, middle, root], with: { maxDepth: 0 } });
refuses('an unknown critical extension in the leaf', 'constraint', { chain: [leaf(middle, { more: [unknownCritical] }), middle, root] });
refuses('an unknown critical extension in a CA', 'constraint', { chain: through(ca('CN=middle', root, { more: [unknownCritical] })) });
refuses('an unknown critical extension in the anchor', 'constraint', { chain: [leaf(ca('CN=r', undefined, { more: [unknownCritical] })), ca('CN=r', undefined, { more: [unknownCritical] })] });
refuses('an unknown extension that is not critical', 'ok', { chain: [leaf(middle, { more: [['1.2.3.4', false, nothing]] }), middle, root] });
refuses('a leaf for clients only', 'wrong_usage', { chain: [leaf(middle, { extensions: [keyUsage('digitalSignature'), extendedKeyUsage('client')] }), middle, root] });
refuses('the same as a client', 'ok', { chain: [leaf(middle, { extensions: [keyUsage('digitalSignature'), extendedKeyUsage('client')] }), middle, root], with: { purpose: 'client' } });
refuses('a leaf without extended key usage', 'ok', { chain: [leaf(middle, { extensions: [keyUsage('digitalSignature')] }), middle, root] });
refuses('a leaf for encipherment only', 'wrong_usage', { chain: [leaf(middle, { extensions: [keyUsage('keyEncipherment')] }), middle, root] });
refuses('a CA for clients only above a server', 'wrong_usage', { chain: through(ca('CN=middle', root, { more: [extendedKeyUsage('client')] })) });
refuses('name constraints in a leaf', 'malformed', { chain: [leaf(middle, { more: [nameConstraints(['dns:example'])] }), middle, root] });
refuses('keyCertSign in a leaf', 'malformed', { chain: [leaf(middle, { extensions: [keyUsage('digitalSignature', 'keyCertSign')] }), middle, root] });
refuses('a leaf without authorityKeyIdentifier', 'malformed', { chain: [leaf(middle, { withKeyIds: false }), middle, root] });
refuses('a CA without subjectKeyIdentifier', 'malformed', { chain: through(ca('CN=middle', root, { withKeyIds: false, more: [['2.5.29.35', false, sequence(implicit(0, octets()))]] })) });
refuses('a leaf of version 1', 'constraint', {
  chain: [leaf(middle, { withKeyIds: false, extensions: [], changeParts: (parts) => parts.slice(1) }), middle, root],
});

const NAMES: readonly (readonly [string, string, readonly string[], readonly string[], readonly string[]])[] = [
  ['a name inside', 'ok', ['dns:a.example'], ['dns:example'], []],
  ['the domain itself', 'ok', ['dns:example.org'], ['dns:example.org'], []],
  ['a name that only ends alike', 'constraint', ['dns:badexample.org'], ['dns:example.org'], []],
  ['a name outside', 'constraint', ['dns:a.test'], ['dns:example'], []],
  ['an excluded name', 'constraint', ['dns:a.b.example'], [], ['dns:b.example']],
  ['an excluded name in capitals', 'constraint', ['dns:A.B.Example'], [], ['dns:b.example']],
  ['a wildcard that reaches an excluded name', 'constraint', ['dns:*.example.org'], [], ['dns:a.example.org']],
  ['a wildcard beside an excluded name', 'ok', ['dns:*.example.org'], [], ['dns:b.a.example.org']],
  ['a wildcard wider than what is permitted', 'constraint', ['dns:*.example.org'], ['dns:a.example.org'], []],
  ['a second name outside', 'constraint', ['dns:a.example', 'dns:a.test'], ['dns:example'], []],
  ['every DNS name excluded', 'constraint', ['dns:a.example'], [], ['dns:']],
  ['another kind than what is permitted', 'ok', ['dns:a.example'], ['email:example'], []],
  ['an address inside', 'ok', ['ip:0a010203'], ['ip:0a000000ff000000'], []],
  ['an address outside', 'constraint', ['ip:0b010203'], ['ip:0a000000ff000000'], []],
  ['an IPv6 address where IPv4 is permitted', 'constraint', [`ip:${'00'.repeat(15)}01`], ['ip:0a000000ff000000'], []],
  ['an excluded address', 'constraint', ['ip:0a010203'], [], ['ip:0a010000ffff0000']],
  ['a mailbox', 'ok', ['email:a@example.org'], ['email:a@example.org'], []],
  ['another mailbox', 'constraint', ['email:A@example.org'], ['email:a@example.org'], []],
  ['a mailbox at a host', 'ok', ['email:a@EXAMPLE.org'], ['email:example.org'], []],
  ['a mailbox at a subdomain of a host', 'constraint', ['email:a@b.example.org'], ['email:example.org'], []],
  ['a mailbox in a domain', 'ok', ['email:a@b.example.org'], ['email:.example.org'], []],
  ['a URI at a host', 'ok', ['uri:spiffe://example.org/a'], ['uri:example.org'], []],
  ['a URI below a host', 'constraint', ['uri:spiffe://a.example.org/a'], ['uri:example.org'], []],
  ['a URI in a domain', 'ok', ['uri:spiffe://a.example.org/a'], ['uri:.example.org'], []],
  ['a URI with user and port', 'ok', ['uri:https://x:y@example.org:8443/a'], ['uri:example.org'], []],
  ['a URI with an address for a host', 'constraint', ['uri:https://10.1.2.3/'], [], ['uri:example.org']],
  ['a URI without a host', 'constraint', ['uri:urn:uuid:1'], [], ['uri:example.org']],
  ['a directory name inside', 'ok', ['dir:O=a,CN=b'], ['dir:O=a', 'dir:CN=leaf'], []],
  ['a directory name outside', 'constraint', ['dir:O=c,CN=b'], ['dir:O=a', 'dir:CN=leaf'], []],
  ['the subject outside', 'constraint', ['dns:a.example'], ['dir:O=a'], []],
  ['an international mailbox under e-mail constraints', 'constraint', ['smtp:\u00e4@example.org'], ['email:example.org'], []],
  ['an international mailbox beside other constraints', 'ok', ['smtp:\u00e4@example.org'], ['dns:example.org'], []],
  ['a kind of name that nobody compares', 'constraint', ['rid:1.2.3'], ['rid:1.2.3'], []],
];

for (const [title, expected, names, permitted, excluded] of NAMES) {
  const constrained = ca('CN=constrained', root, { more: [nameConstraints(permitted, excluded)] });
  const named = leaf(constrained, { extensions: [keyUsage('digitalSignature'), alternativeNames(...names)] });
  refuses(`names: ${title}`, expected, { chain: [named, constrained, root] });
}

t.test('constraints of every CA above bind, and those of the anchor too', async (t) => {
  const top = ca('CN=top', undefined, { more: [nameConstraints(['dns:example'])] });
  const below = ca('CN=below', top, { more: [nameConstraints(['dns:a.example', 'dns:test'])] });
  const named = (dns: string): Holder => leaf(below, { extensions: [keyUsage('digitalSignature'), alternativeNames(`dns:${dns}`)] });
  t.equal(code({ chain: [named('a.example'), below, top] }), 'ok');
  t.equal(code({ chain: [named('b.example'), below, top] }), 'constraint');
  t.equal(code({ chain: [named('x.test'), below, top] }), 'constraint');
  t.equal(code({ chain: [named('a.example'), below, top], with: { anchorMode: 'key' } }), 'ok');
});

t.test('the name that is asked for', async (t) => {
  const named = leaf(middle, { extensions: [keyUsage('digitalSignature'), alternativeNames('dns:*.a.example', 'dns:b.example', 'ip:0a000001', 'uri:spiffe://X/y', 'email:me@x.example', 'dns:*.org')] });
  const ask = (name: NonNullable<Case['with']>['names']): string => code({ chain: [named, middle, root], with: { names: name ?? [] } });
  for (const value of ['b.example', 'B.Example', 'x.a.example']) t.equal(ask([{ kind: 'dns', value }]), 'ok', value);
  for (const value of ['a.example', 'x.y.a.example', 'c.example', '*.a.example', 'x.org', 'leaf']) t.equal(ask([{ kind: 'dns', value }]), 'wrong_name', value);
  t.equal(ask([{ kind: 'ip', value: Uint8Array.of(10, 0, 0, 1) }]), 'ok');
  t.equal(ask([{ kind: 'ip', value: Uint8Array.of(10, 0, 0, 2) }]), 'wrong_name');
  t.equal(ask([{ kind: 'uri', value: 'spiffe://x/y' }]), 'ok');
  t.equal(ask([{ kind: 'uri', value: 'spiffe://x/Y' }]), 'wrong_name');
  t.equal(ask([{ kind: 'email', value: 'me@X.example' }]), 'ok');
  t.equal(ask([{ kind: 'email', value: 'Me@x.example' }]), 'wrong_name');
  t.equal(ask([{ kind: 'dns', value: 'b.example' }, { kind: 'dns', value: 'c.example' }]), 'wrong_name', 'all have to match');
});

t.test('policies', async (t) => {
  const [p1, p2] = ['1.2.3.1', '1.2.3.2'];
  const strict = ca('CN=strict', root, { more: [policies(p1), policyConstraints(0)] });
  const mapped = ca('CN=mapped', root, { more: [policies(p1), policyMappings([p1, p2])] });
  const with1 = leaf(strict, { more: [policies(p1)] });
  t.equal(code({ chain: [with1, strict, root] }), 'ok');
  t.equal(code({ chain: [leaf(strict, { more: [policies(p2)] }), strict, root] }), 'policy');
  t.equal(code({ chain: [leaf(strict), strict, root] }), 'policy');
  t.equal(code({ chain: [with1, strict, root], with: { policies: [p2] } }), 'policy');
  t.equal(code({ chain: [good, middle, root], with: { requireExplicitPolicy: true } }), 'policy');
  const under = leaf(mapped, { more: [policies(p2)] });
  t.equal(code({ chain: [under, mapped, root], with: { requireExplicitPolicy: true, policies: [p1] } }), 'ok');
  t.equal(code({ chain: [under, mapped, root], with: { requireExplicitPolicy: true, policies: [p2] } }), 'policy');
  t.equal(code({ chain: [under, mapped, root], with: { requireExplicitPolicy: true, inhibitPolicyMapping: true } }), 'policy');
  const any = ca('CN=any', root, { more: [policies('2.5.29.32.0')] });
  const below = leaf(any, { more: [policies(p1)] });
  t.equal(code({ chain: [below, any, root], with: { requireExplicitPolicy: true } }), 'ok');
  t.equal(code({ chain: [below, any, root], with: { requireExplicitPolicy: true, inhibitAnyPolicy: true } }), 'policy');
});

t.test('one way of several leads on: cross-signed, expired and looping CAs beside it', async (t) => {
  const old = ca('CN=middle', root, past);
  const strangers = ca('CN=strangers');
  const crossed = ca('CN=middle', strangers);
  const loop = ca('CN=strangers', middle, { key: key('CN=strangers') });
  t.equal(code({ chain: [good, old, crossed, loop, middle], anchors: [root] }), 'ok');
  t.equal(code({ chain: [good, crossed, loop], anchors: [root] }), 'untrusted');
  t.equal(code({ chain: [good, old], anchors: [root] }), 'expired', 'the CA that signed it is to blame');
});

t.test('hostile graphs end at a budget', async (t) => {
  const names = Array.from({ length: 12 }, (_, i) => `CN=node ${i}`);
  const graph = names.flatMap((subject, i) => names.filter((_, j) => j !== i).map((other) => ca(subject, { subject: other, key: key(other), der: root.der })));
  t.equal(code({ chain: [leaf({ subject: 'CN=node 0', key: key('CN=node 0'), der: root.der }), ...graph], anchors: [root] }), 'limit');
});

t.test('hostile lists of distribution points end at a budget', async (t) => {
  const points: Ext = ['2.5.29.31', false, sequence(...Array.from({ length: 4000 }, (_, i) => sequence(explicit(0, explicit(0, generalName(`uri:http://x/${i}`))))))];
  const pointing = leaf(middle, { more: [points] });
  const crls = [crl(root), ...Array.from({ length: 30 }, () => crl(middle, { extensions: [issuingPoint({ uri: 'http://y/' })] }))];
  t.equal(code({ chain: [pointing, middle, root], crls }), 'limit');
});

t.test('weak and foreign keys', async (t) => {
  const changed = (spki: Uint8Array): Holder => certificate({ subject: 'CN=leaf', key: { ...key('leaf'), spki }, issuer: middle, extensions: [keyUsage('digitalSignature')] });
  const small = changed(sequence(sequence(tlv(0x06, Buffer.from('2b6570', 'hex'))), tlv(0x03, new Uint8Array(33))));
  t.equal(code({ chain: [small, middle, root] }), 'malformed', 'a point of small order');
  const p521 = changed(sequence(sequence(tlv(0x06, Buffer.from('2a8648ce3d0201', 'hex')), tlv(0x06, Buffer.from('2b81040023', 'hex'))), tlv(0x03, new Uint8Array(134).fill(4, 1, 2))));
  t.equal(code({ chain: [p521, middle, root] }), 'weak', 'P-521');
  const explicitCurve = changed(sequence(sequence(tlv(0x06, Buffer.from('2a8648ce3d0201', 'hex')), sequence(integer(1))), tlv(0x03, new Uint8Array(66).fill(4, 1, 2))));
  t.equal(code({ chain: [explicitCurve, middle, root] }), 'weak', 'explicit parameters');
});
