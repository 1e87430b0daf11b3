import t from 'tap';
import { assert, constantFrom, property, string } from 'fast-check';
import { authorise, AuthorisedPeer } from '../../certs/authorisation.ts';
import type { GeneralName } from '../../certs/general-names.ts';
import { nameKeyOfText } from '../../certs/names.ts';
import { canonicalIp, ipText, parsePeerRule } from '../../certs/peer-rules.ts';
import { ProvenChain } from '../../certs/proven-chain.ts';
import { matchedNames, type PeerFacts } from '../../certs/rule-matching.ts';
import { refusal } from '../support/refusal.ts';
import { rule, rules } from '../support/trust.ts';
import { crypto } from '../support/test-crypto.ts';

const PIN = `sha256/${Buffer.alloc(32, 7).toString('base64')}`;
const OTHER_PIN = `sha256/${Buffer.alloc(32, 8).toString('base64')}`;

function facts(given: { subject?: string; names?: readonly GeneralName[]; pins?: readonly string[] }): PeerFacts {
  const subjectAltNames = given.names ?? [];
  const id = subjectAltNames.find((name) => name.kind === 'uri' && name.value.startsWith('spiffe://'));
  return {
    subjectKey: given.subject === undefined ? '' : (nameKeyOfText(given.subject) as string),
    subjectAltNames,
    spiffeId: id?.value as string | undefined,
    pathPins: given.pins ?? [PIN, OTHER_PIN],
  };
}
const uri = (value: string): GeneralName => ({ kind: 'uri', value });
const dns = (value: string): GeneralName => ({ kind: 'dns', value });

const GOOD: readonly (readonly [text: string, matching: PeerFacts, foreign: PeerFacts])[] = [
  ['spiffe://corp.example/a', facts({ names: [uri('spiffe://corp.example/a')] }), facts({ names: [uri('spiffe://corp.example/ab')] })],
  ['spiffe://corp.example/a/*', facts({ names: [uri('spiffe://corp.example/a/b/c')] }), facts({ names: [uri('spiffe://corp.example/a')] })],
  ['spiffe://corp.example/*', facts({ names: [uri('spiffe://corp.example/x')] }), facts({ names: [uri('spiffe://corp.example.evil/x')] })],
  ['spiffe://corp.example/a', facts({ names: [uri('spiffe://corp.example/a')] }), facts({ names: [uri('spiffe://corp.example/A')] })],
  ['dns:orders.prod.svc', facts({ names: [dns('orders.prod.svc')] }), facts({ names: [dns('xorders.prod.svc')] })],
  ['dns:Orders.Prod.Svc', facts({ names: [dns('orders.prod.svc')] }), facts({ subject: 'CN=orders.prod.svc' })],
  ['dns:*.prod.svc', facts({ names: [dns('x.prod.svc')] }), facts({ names: [dns('a.b.prod.svc')] })],
  ['dns:*.prod.svc', facts({ names: [dns('*.prod.svc')] }), facts({ names: [dns('prod.svc')] })],
  ['dns:x.prod.svc', facts({ names: [dns('x.prod.svc')] }), facts({ names: [dns('*.prod.svc')] })],
  ['uri:https://a.example/x', facts({ names: [uri('https://a.example/x')] }), facts({ names: [uri('https://a.example/x/')] })],
  ['ip:192.0.2.1', facts({ names: [{ kind: 'ip', value: Uint8Array.of(192, 0, 2, 1) }] }), facts({ names: [dns('192.0.2.1')] })],
  ['ip:2001:DB8::1', facts({ names: [{ kind: 'ip', value: Buffer.from('20010db8000000000000000000000001', 'hex') }] }), facts({ names: [{ kind: 'ip', value: Uint8Array.of(1, 2, 3, 4) }] })],
  ['email:Ops@Example.org', facts({ names: [{ kind: 'email', value: 'Ops@EXAMPLE.org' }] }), facts({ names: [{ kind: 'email', value: 'ops@example.org' }] })],
  ['subject:CN=a,O=Corp', facts({ subject: 'cn=A, o=corp' }), facts({ subject: 'CN=a' })],
  ['subject:CN=a', facts({ subject: 'CN=a' }), facts({ names: [dns('a')] })],
  [`spki:${PIN}`, facts({}), facts({ pins: [OTHER_PIN, PIN] })],
  [`issuer:${OTHER_PIN}`, facts({}), facts({ pins: [OTHER_PIN, PIN] })],
];

for (const [text, matching, foreign] of GOOD) {
  t.test(text, async (t) => {
    const parsed = rule(text);
    t.equal(parsed.text, text);
    t.ok(matchedNames(parsed, matching, 'allow').length > 0, 'matches');
    t.same(matchedNames(parsed, foreign, 'allow'), [], 'and only that');
  });
}

const BAD: readonly (readonly [text: string, mistake: RegExp, suggestion?: RegExp])[] = [
  ['', /no rule/],
  ['*', /no rule/],
  ['orders.prod.svc', /no rule/, /dns:orders\.prod\.svc/],
  ['*.prod.svc', /no rule/, /dns:\*\.prod\.svc/],
  ['CN=orders', /no rule/, /subject:CN=orders/],
  ['cn:orders', /no rule/, /subject:CN=orders/],
  ['DNS:a.example', /no rule/, /dns:a\.example/],
  ['san:a.example', /no rule/, /dns:a\.example/],
  [`pin:${PIN}`, /no rule/, /spki:sha256/],
  [PIN, /no rule/, /spki:sha256/],
  ['https://a.example/x', /no rule/, /uri:https:\/\/a\.example\/x/],
  ['192.0.2.1', /no rule/, /ip:192\.0\.2\.1/],
  ['a@b.example', /no rule/, /email:a@b\.example/],
  ['Anonymous', /no rule/, /anonymous/],
  ['SPIFFE://Corp/x', /no rule/, /spiffe:\/\/corp\/x/],
  ['spiffe:corp.example/x', /no rule/, /spiffe:\/\/corp\.example\/x/],
  ['spiffe://Corp.example/x', /trust domain/, /spiffe:\/\/corp\.example\/x/],
  ['spiffe://corp.example', /not a workload/, /spiffe:\/\/corp\.example\/\*/],
  ['spiffe:///x', /trust domain/],
  ['spiffe://corp.example:8443/x', /trust domain/],
  ['spiffe://user@corp.example/x', /trust domain/],
  ['spiffe://corp.example/', /path/, /spiffe:\/\/corp\.example\/\*/],
  ['spiffe://corp.example/a/', /path/],
  ['spiffe://corp.example/a//b', /path/],
  ['spiffe://corp.example/a/../b', /path/],
  ['spiffe://corp.example/a?x', /path/],
  ['spiffe://corp.example/a%20b', /path/],
  ['spiffe://corp.example/a*', /\* may only/],
  ['spiffe://corp.example/*/b', /\* may only/],
  ['spiffe://*/b', /trust domain/],
  ['dns:', /nobody/],
  ['dns:*', /\* may only/],
  ['dns:*.com', /top-level/],
  ['dns:a.*.com', /\* may only/],
  ['dns:a*.example.com', /\* may only/],
  ['dns:-a.example', /not a DNS name/],
  ['dns:a.example.', /not a DNS name/, /last dot/],
  ['dns:192.0.2.1', /IP address/, /ip:192/],
  ['uri:nonsense', /not a URI/],
  ['uri:https://a/*', /knows no \*/],
  ['ip:10.0.0.0/8', /not an IP/, /ranges/],
  ['ip:fe80::1%eth0', /not an IP/],
  ['email:nobody', /mailbox/],
  ['subject:orders', /distinguished name/],
  ['subject:/CN=orders', /distinguished name/, /commas/],
  ['spki:sha256/abc', /32 bytes/, /pki pin/],
  [`issuer:${PIN.replace('sha256', 'sha1')}`, /32 bytes/],
  [`dns:${'a'.repeat(3000)}`, /longer than/],
];

for (const [text, mistake, suggestion] of BAD) {
  t.test(`refused: ${text.slice(0, 60)}`, async (t) => {
    const parsed = parsePeerRule(text);
    t.match(parsed, { mistake, ...(suggestion === undefined ? {} : { suggestion }) });
  });
}

t.test('parsing never throws, and what it accepts keeps its text', async (t) => {
  const seed = Date.now() % 2 ** 31;
  const prefix = constantFrom('', 'spiffe://', 'dns:', 'uri:', 'ip:', 'email:', 'subject:', 'issuer:', 'spki:');
  assert(
    property(prefix, string({ maxLength: 40 }), (head, tail) => {
      const parsed = parsePeerRule(head + tail);
      return 'mistake' in parsed || parsed.text === head + tail;
    }),
    { seed, numRuns: 2000 },
  );
  t.pass(`seed ${seed}`);
});

t.test('addresses have one spelling', async (t) => {
  for (const spelling of ['::ffff:1.2.3.4', '0:0:0:0:0:FFFF:102:304', '::FFFF:0102:0304']) t.equal(canonicalIp(spelling), '0:0:0:0:0:ffff:102:304');
  t.equal(ipText(Buffer.from('00000000000000000000ffff01020304', 'hex')), '0:0:0:0:0:ffff:102:304');
  t.equal(canonicalIp('::'), '0:0:0:0:0:0:0:0');
  t.equal(canonicalIp('1::'), '1:0:0:0:0:0:0:0');
});

/** Only its facts matter to `authorise`. */
function chain(given: PeerFacts): ProvenChain {
  return Object.assign(Object.create(ProvenChain.prototype) as ProvenChain, given, { name: 'x', names: ['x'], leafSha256: new Uint8Array(32), validUntilMs: 1, summary: '', isStatusUnknown: false, path: [] });
}

t.test('default deny, and deny wins', async (t) => {
  const peer = chain(facts({ subject: 'CN=a', names: [dns('a.example.org'), uri('spiffe://corp.example/a')] }));
  t.throws(() => authorise(peer, rules([])), refusal('peer_not_allowed'));
  t.throws(() => authorise(peer, rules(['anonymous'])), refusal('peer_not_allowed'), 'anonymous admits nobody who has a certificate');
  t.throws(() => authorise(peer, rules(['dns:a.example.org'], ['spiffe://corp.example/*'])), refusal('peer_denied', /spiffe:\/\/corp\.example\/\*/));
  t.equal(authorise(peer, rules(['dns:b.example.org', 'subject:CN=a', 'dns:a.example.org'], ['dns:b.example.org'])).rule, 'subject:CN=a');
});

t.test('a wildcard certificate is denied with every name that it covers', async (t) => {
  const wild = chain(facts({ names: [dns('*.prod.svc')] }));
  t.throws(() => authorise(wild, rules(['dns:*.prod.svc'], ['dns:x.prod.svc'])), refusal('peer_denied'));
  t.throws(() => authorise(wild, rules(['dns:x.prod.svc'])), refusal('peer_not_allowed'));
  t.ok(authorise(wild, rules(['dns:*.prod.svc'], ['dns:a.b.prod.svc'])));
});

t.test('a renewed certificate continues the peer by a name that admitted it, not by the rule', async (t) => {
  const of = (names: readonly GeneralName[], allow: readonly string[], pins?: readonly string[]): AuthorisedPeer =>
    authorise(chain(facts({ names, ...(pins === undefined ? {} : { pins }) })), rules(allow));
  const wildcard = ['spiffe://corp.example/*'];
  const a = of([uri('spiffe://corp.example/a')], wildcard);
  t.ok(of([uri('spiffe://corp.example/a'), dns('new.example')], wildcard, [OTHER_PIN]).continues(a));
  t.notOk(of([uri('spiffe://corp.example/b')], wildcard).continues(a), 'another workload under the same wildcard');
  t.notOk(of([uri('spiffe://corp.example/b'), dns('a.example')], wildcard).continues(of([uri('spiffe://corp.example/a'), dns('a.example')], wildcard)), 'a name that did not admit');
  const byIssuer = [`issuer:${OTHER_PIN}`];
  t.ok(of([dns('a.example')], byIssuer).continues(of([dns('a.example'), dns('b.example')], byIssuer)));
  t.notOk(of([dns('c.example')], byIssuer).continues(of([dns('a.example')], byIssuer)));
  t.notOk(of([], byIssuer, [PIN, OTHER_PIN]).continues(of([], byIssuer, [`sha256/${Buffer.alloc(32, 9).toString('base64')}`, OTHER_PIN])), 'nameless peers are their keys');
});

t.test('an authorisation or a proof cannot be made by anybody else', async (t) => {
  const forged = chain(facts({ names: [dns('a.example')] }));
  t.throws(() => new AuthorisedPeer(Symbol('mint') as never, forged, rule('dns:a.example'), []), refusal('internal_error'));
  t.throws(() => new ProvenChain(Symbol('mint') as never, crypto, { valid: true, path: [], validUntilMs: 0, statuses: [] }), refusal('internal_error'));
});
