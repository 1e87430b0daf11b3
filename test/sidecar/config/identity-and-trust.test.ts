import t from 'tap';
import { parseConfig } from '../../../sidecar/config/config.ts';
import { formatProblem } from '../../../sidecar/config/problem.ts';
import type { Config } from '../../../sidecar/config/schema.ts';
import { GOOD } from './good.ts';

const IDENTITY = /identity.*\n/;

function problems(text: string): string {
  return parseConfig(text, '/etc/xps/x.yaml').problems.map(formatProblem).join('\n');
}

function read(text: string): Config {
  const { config } = parseConfig(text, '/etc/xps/x.yaml');
  if (config === undefined) throw new Error(problems(text));
  return config;
}

t.test('an agent instead of files, with bundles of its own', async (t) => {
  const config = read(GOOD.replace(IDENTITY, 'identity: { spiffe: "unix:agent.sock", spiffe_id: "spiffe://corp.example/a" }\n').replace(/ {2}bundles.*\n/, ''));
  t.same(config.identity, { spiffeSocket: '/etc/xps/agent.sock', spiffeId: 'spiffe://corp.example/a' });
  t.same(config.trust.bundles, []);
});

t.test('a command that renews files', async (t) => {
  const identity = (renew: string): string => GOOD.replace(IDENTITY, `identity: { cert: a.pem, key: a.key, renew: ${renew} }\n`);
  const files = { certFile: '/etc/xps/a.pem', keyFile: '/etc/xps/a.key' };
  t.same(read(identity('{ command: [step, ca, renew, ""] }')).identity, { ...files, renew: { command: ['step', 'ca', 'renew', ''], at: 0.66, timeoutMs: 60_000 } });
  t.same(read(identity('{ command: [/usr/bin/step], at: 0.5, timeout: 5m }')).identity, { ...files, renew: { command: ['/usr/bin/step'], at: 0.5, timeoutMs: 300_000 } });
});

t.test('federation, fetching and grace', async (t) => {
  const { trust } = read(GOOD.replace('{ file: ca.pem }', '{ file: ca.pem, trust_domain: partner.example }').replace('{ crl: [crl.pem] }', '{ fetch_crls: true, grace: 6h, ocsp: { staple: false } }'));
  t.match(trust.bundles, [{ file: '/etc/xps/ca.pem', trustDomain: 'partner.example' }]);
  t.match(trust.revocation, { mode: 'hard', crl: [], fetchCrls: true, graceMs: 6 * 3_600_000 });
  t.match(read(GOOD).trust.revocation, { fetchCrls: false, graceMs: 0 });
});

const MISTAKES: readonly (readonly [name: string, identityOrText: string, said: RegExp])[] = [
  ['both files and an agent', 'identity: { cert: a.pem, spiffe: "unix:/a.sock" }', /identity has both files and spiffe; expected cert and key, or spiffe/],
  ['an agent over TCP', 'identity: { spiffe: "tcp://127.0.0.1:8081" }', /expected unix:\/path\/of\/agent\.sock/],
  ['a key without a certificate', 'identity: { key: a.key }', /identity\.cert is missing; expected cert and key, or spiffe/],
  ['a certificate without a key', 'identity: { cert: a.pem }', /identity\.key is missing/],
  ['an ID without an agent', 'identity: { cert: a.pem, key: a.key, spiffe_id: "spiffe://a/b" }', /spiffe_id chooses among the identities of an agent/],
  ['an ID that is none', 'identity: { spiffe: "unix:/a.sock", spiffe_id: "spiffe://a/*" }', /"spiffe:\/\/a\/\*" is not a SPIFFE ID; expected spiffe:\/\/domain\/path/],
  ['renewal of what an agent renews', 'identity: { spiffe: "unix:/a.sock", renew: { command: [step] } }', /identity\.renew is for files; an agent renews by itself/],
  ['renewal without a command', 'identity: { cert: a.pem, key: a.key, renew: { at: 0.5 } }', /command/],
  ['renewal by an empty command', 'identity: { cert: a.pem, key: a.key, renew: { command: [] } }', /names no program; expected a list/],
  ['renewal by a command line', 'identity: { cert: a.pem, key: a.key, renew: { command: "step ca renew" } }', /identity\.renew\.command.*list/],
  ['renewal by a relative path', 'identity: { cert: a.pem, key: a.key, renew: { command: [bin/step] } }', /"bin\/step" is a relative path; expected an absolute path/],
  ['renewal by a NUL character', 'identity: { cert: a.pem, key: a.key, renew: { command: [step, "a\\0"] } }', /has a NUL character/],
  ['renewal too late', 'identity: { cert: a.pem, key: a.key, renew: { command: [step], at: 0.96 } }', /identity\.renew\.at.*0\.95/],
  ['renewal too early', 'identity: { cert: a.pem, key: a.key, renew: { command: [step], at: 0 } }', /identity\.renew\.at.*0\.1/],
  ['renewal with a long patience', 'identity: { cert: a.pem, key: a.key, renew: { command: [step], timeout: 11m } }', /"11m" is out of range; expected 1s to 10m/],
  ['a misspelt key', 'identity: { spife: "unix:/a.sock" }', /unknown key "spife".*did you mean "spiffe"\?/],
];

for (const [name, identity, said] of MISTAKES) {
  t.test(name, async (t) => {
    t.match(problems(GOOD.replace(IDENTITY, `${identity}\n`)), said);
  });
}

t.test('mistakes in trust', async (t) => {
  t.match(problems(GOOD.replace('{ file: ca.pem }', '{ file: ca.pem, trust_domain: "spiffe://x" }')), /"spiffe:\/\/x" is not a trust domain.*did you mean x\?/);
  t.match(problems(GOOD.replace('{ crl: [crl.pem] }', '{ crl: [crl.pem], grace: 30d }')), /"30d" is out of range; expected 0.* to 7d/);
  t.match(problems(GOOD.replace('{ crl: [crl.pem] }', '{ crl: [crl.pem], fetch_crl: true }')), /unknown key "fetch_crl".*did you mean "fetch_crls"\?/);
  t.match(problems(GOOD.replace('spiffe://corp.example/orders', 'orders.prod.svc')), /no rule for a peer; expected spiffe:\/\/domain\/path.*did you mean dns:orders\.prod\.svc\?/);
});
