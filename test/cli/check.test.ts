import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { xpscerpto } from '../support/command.ts';
import { configOf, makePki, SERVER_ID, writeConfig } from '../support/scenario.ts';

const pki = await makePki(t);
const tunnel = { name: 'orders', role: 'client', listen: 'tcp://127.0.0.1:0', connect: 'tcp://127.0.0.1:8443', peer: { allow: [SERVER_ID] } };

t.test('a valid file', async (t) => {
  const file = writeConfig(pki.dir, 'good', configOf(pki, pki.client, [tunnel]));
  const { code, stdout } = await xpscerpto(['check', '-c', file]);
  t.equal(code, 0);
  t.equal(stdout, `${file} is valid: orders (client)\n`);
});

t.test('warnings are told and are no error', async (t) => {
  const trust = { bundles: [{ file: pki.authority.certFile }], revocation: { mode: 'off' } };
  const file = writeConfig(pki.dir, 'warned', configOf(pki, pki.client, [tunnel], { trust }));
  const { code, stderr } = await xpscerpto(['check', '-c', file]);
  t.equal(code, 0);
  t.match(stderr, /:\d+:\d+: warning: trust\.revocation\.mode is off/);
});

t.test('mistakes', async (t) => {
  const file = join(pki.dir, 'bad.yaml');
  writeFileSync(file, 'identity: { cert: none.pem, key: none.key }\ntrsut: {}\ntunnels:\n  - name: orders\n    role: client\n');
  const { code, stdout, stderr } = await xpscerpto(['check', '-c', file]);
  t.equal(code, 1);
  t.equal(stdout, '');
  t.match(stderr, `${file}:2:1: unknown key "trsut"`);
  t.match(stderr, 'did you mean "trust"?');
  t.match(stderr, `${file}:4:5: tunnels[0].listen is missing`);
  t.match(stderr, /xpscerpto: the configuration has mistakes \(\d+ mistakes in /);
});

t.test('as JSON', async (t) => {
  const file = writeConfig(pki.dir, 'json', configOf(pki, pki.client, [{ ...tunnel, role: 'cleint' }]));
  const { code, stdout } = await xpscerpto(['check', '-c', file, '--json']);
  t.equal(code, 1);
  t.match(JSON.parse(stdout), { valid: false, problems: [{ severity: 'error', file, line: Number, column: Number, what: /"cleint"/, suggestion: 'did you mean client?' }] });
});

t.test('no file', async (t) => {
  t.match(await xpscerpto(['check']), { code: 2, stderr: /required option '-c, --config <file>' not specified/ });
  t.match(await xpscerpto(['check', '-c', join(pki.dir, 'none.yaml')]), { code: 1, stderr: /none\.yaml: the file does not exist/ });
  t.match(await xpscerpto(['run', '-c', join(pki.dir, 'none.yaml')]), { code: 1, stderr: /none\.yaml: the file does not exist/ });
});
