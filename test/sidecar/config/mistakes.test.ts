import t from 'tap';
import { parseConfig } from '../../../sidecar/config/config.ts';
import { formatProblem } from '../../../sidecar/config/problem.ts';
import { GOOD } from './good.ts';

function problems(text: string): string[] {
  return parseConfig(text, 'x.yaml').problems.map(formatProblem);
}

/** Name, the text with a mistake in it, and the beginning and parts of what is said. */
const CASES: readonly (readonly [name: string, text: string, ...said: (string | RegExp)[]])[] = [
  ['a misspelt key', GOOD.replace('    connect:', '    conect:'), 'x.yaml:6:5: tunnels[0].connect is missing', /x\.yaml:9:5: unknown key "conect" in tunnels\[0\].*did you mean "connect"\?/],
  ['a misspelt section', `${GOOD}tunnel: []\n`, /^x\.yaml:11:1: unknown key "tunnel".*did you mean "tunnels"\?$/],
  ['a misspelt value', GOOD.replace('role: client', 'role: cleint'), 'x.yaml:7:11: tunnels[0].role is "cleint"; expected one of client, server; did you mean client?'],
  ['a URL without a scheme', GOOD.replace('listen: tcp://', 'listen: '), /^x\.yaml:8:13: tunnels\[0\]\.listen: "127\.0\.0\.1:15432" has no scheme.*did you mean tcp:\/\/127\.0\.0\.1:15432\?/],
  ['a URL without a port', GOOD.replace(':15432', ''), /has no port; expected tcp:\/\/host:port/],
  ['a port that does not exist', GOOD.replace('15432', '154320'), /port 154320 does not exist; expected a port of 0 to 65535/],
  ['an IPv6 address without brackets', GOOD.replace('127.0.0.1:', '::1:'), /write an IPv6 address in brackets/],
  ['https', GOOD.replace('tcp://orders', 'https://orders'), /unknown URL scheme "https:".*did you mean wss:\/\/orders\.prod\.svc:8443\?/],
  ['tls', GOOD.replace('tcp://orders', 'tls://orders'), /the channel itself is always encrypted/],
  ['wss for an application', GOOD.replace('tcp://127.0.0.1:15432', 'wss://127.0.0.1:15432/x'), /wss:\/\/ is not possible on the application's side.*applications speak plaintext/],
  ['a UNIX path that is too long', GOOD.replace('tcp://127.0.0.1:15432', `unix:/${'a'.repeat(120)}`), /the path of the UNIX socket is 121 bytes long; expected at most 107 bytes/],
  ['a target that is no target', GOOD.replace('orders.prod.svc:8443', '0.0.0.0:8443'), /0\.0\.0\.0 is an address to listen on, not to connect to/],
  ['a loop', GOOD.replace('orders.prod.svc:8443', '127.0.0.1:15432'), /connects to the address it listens on/],
  ['a duration without a unit', `${GOOD}    timeouts: { idle: 10 }\n`, /^x\.yaml:11:23: tunnels\[0\]\.timeouts\.idle: "10" has no unit.*did you mean 10s\?/],
  ['a duration out of range', `${GOOD}    timeouts: { hello: 5h }\n`, /"5h" is out of range; expected 10ms to 1h/],
  ['hello longer than handshake', `${GOOD}    timeouts: { hello: 20s }\n`, /timeouts\.hello is longer than timeouts\.handshake/],
  ['a pool that cannot be', `${GOOD}    pool: { warm: 9 }\n`, /pool\.max_idle 8 is less than pool\.warm 9; expected at least 9/],
  ['a number in quotes', `${GOOD}crypto: { tls: { rekey_messages: "2000" } }\n`, /is the text "2000"; expected a number; write digits, without quotes/],
  ['a period that is too short', `${GOOD}crypto: { tls: { rekey_minutes: 0.001 } }\n`, /rekey_minutes is 0\.001; expected at least 0\.0166/],
  ['more messages than a key may carry', `${GOOD}crypto: { tls: { rekey_messages: 6_000_000 } }\n`, /rekey_messages is 6000000; expected at most 4194304/],
  ['yes for true', `${GOOD}crypto: { hotpatch: { run_selftests: yes } }\n`, /is the text "yes"; expected true or false; did you mean true\?/],
  ['false for off', `${GOOD}crypto: { kex: { hybrid: false } }\n`, /hybrid is false; expected one of off, prefer, require; did you mean off\?/],
  ['an unknown algorithm', `${GOOD}crypto: { policy: { forbid: [sha1, des, dess] } }\n`, /forbid\[2\]: "dess" is not known.*did you mean des\?/],
  ['a forbidden default', `${GOOD}crypto: { policy: { forbid: [sha1, des, AES-GCM] } }\n`, /crypto\.aead\.default is AES_GCM, which crypto\.policy\.forbid forbids/],
  ['no key exchange left', `${GOOD}crypto: { policy: { forbid: [sha1, des, X25519, XWING] } }\n`, /leaves no key exchange/],
  ['no AEAD left', `${GOOD}crypto: { policy: { forbid: [sha1, des, AES_GCM, CHACHA20_POLY1305, XCHACHA20_POLY1305] } }\n`, /forbids/, /leaves no AEAD/],
  ['two tunnels of one name', GOOD + (GOOD.split('tunnels:\n')[1] as string).replace('15432', '15433'), /^x\.yaml:11:11: two tunnels have the name orders/],
  ['two tunnels on one port', GOOD + (GOOD.split('tunnels:\n')[1] as string).replace('orders', 'other').replace('127.0.0.1', '0.0.0.0'), /tunnel other and tunnel orders listen on the same address/],
  ['no identity', GOOD.replace(/identity.*\n/, ''), /^x\.yaml:1:1: identity is missing, and tunnel orders needs one/],
  ['no trust', GOOD.replace(/trust:\n(?: {2}.*\n)*tunnels/, 'tunnels'), /trust\.bundles is missing/],
  ['hard revocation without a source', GOOD.replace('{ crl: [crl.pem] }', '{ ocsp: { staple: false } }'), /mode is hard but there is no source of revocation status/],
  ['nobody is allowed', GOOD.replace(/ {4}peer.*\n/, ''), /peer\.allow is missing, and nobody is allowed by default/],
  ['an empty list of peers', GOOD.replace('["spiffe://corp.example/orders"]', '[]'), /nobody could ever connect/],
  ['a rule that is none', GOOD.replace('"spiffe://corp.example/orders"', '"orders"'), /^x\.yaml:10:21: tunnels\[0\]\.peer\.allow\[0\]/],
  ['anonymous where it cannot be', GOOD.replace('["spiffe', '[anonymous, "spiffe'), /"anonymous" cannot be allowed by role: client/],
  ['a key of the other role', `${GOOD}    client_auth: none\n`, /client_auth is for role: server.*"identity: none" makes this client anonymous/],
  ['a digest that is none', GOOD.replace('{ file: ca.pem }', '{ file: ca.pem, sha256: zz }'), /"zz" is not a SHA-256 digest; expected 64 hexadecimal digits; run: sha256sum FILE/],
  ['a pin that is none', GOOD.replace('trust:', 'trust:\n  pins: ["sha256/abc"]'), /"sha256\/abc" is not a pin.*run: xpscerpto pki pin CERT/],
  ['an admin address without a port', `${GOOD}admin: { listen: "9901" }\n`, /"9901" has no port; expected host:port/],
  ['a tab', GOOD.replace('  - name', '\t- name'), /^x\.yaml:6:1: a tab is used to indent; expected spaces/],
  ['a key twice', `${GOOD}trust: {}\n`, /^x\.yaml:11:1: "trust" stands here twice/],
  ['an anchor', GOOD.replace('tls.crt', '&a tls.crt'), /anchor &a is not supported/],
  ['a tag', GOOD.replace('tls.crt', '!!binary tls.crt'), /tag .* is not supported/],
  ['YAML 1.1', `%YAML 1.1\n---\n${GOOD}`, /this file says that it is YAML 1\.1/],
  ['two documents', `${GOOD}---\nx: 1\n`, /a second YAML document begins here/],
  ['a control character', `${GOOD}\u0007`, /^x\.yaml:11:1: control character \\x07/],
  ['plain text', 'just text\n', /the file holds plain text; expected a mapping/],
  ['a list', '- a\n', /the file holds a list/],
  ['nothing', '', /the file is empty/],
  ['brackets without end', '['.repeat(1000), /nested/],
  ['text that would forge a line', GOOD.replace('role: client', 'role: "x\\nroot: all is well\\u001b[31m"'), /tunnels\[0\]\.role is "x\\nroot: all is well\\x1b\[31m"/],
];

for (const [name, text, ...said] of CASES) {
  t.test(name, (t) => {
    const found = problems(text);
    t.equal(parseConfig(text, 'x.yaml').config, undefined, 'it is refused');
    for (const part of said) {
      const isSaid = found.some((line) => (typeof part === 'string' ? line.startsWith(part) : part.test(line)));
      t.ok(isSaid, String(part), { found });
    }
    t.ok(found.every((line) => /^x\.yaml(:\d+:\d+)?: /.test(line) && !line.includes('\n')), 'each on one line, with its place', { found });
    t.end();
  });
}

t.test('several mistakes in one run, in the order of the file', (t) => {
  const found = problems(
    `${GOOD.replace('role: client', 'role: cleint').replace('8443', '99999').replace('ca.pem', 'ca.pem, sha256: q')}crypto: { kex: { hybrid: maybe } }\n`,
  );
  t.equal(found.length, 4, 'four', { found });
  t.strictSame(found.map((line) => Number(line.split(':')[1])), [3, 7, 9, 11]);
  t.end();
});

t.test('a hundred mistakes are enough', (t) => {
  const many = Array.from({ length: 150 }, (_, i) => `key${i}: 1`).join('\n');
  const found = problems(`${GOOD}${many}\n`);
  t.equal(found.length, 101);
  t.ok(found.some((line) => line.includes('and 50 more problems')));
  t.end();
});
