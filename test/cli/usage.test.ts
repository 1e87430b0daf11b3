import t from 'tap';
import { spawnSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { COMMAND, xpscerpto } from '../support/command.ts';

const mistakes: readonly (readonly [words: string, said: RegExp])[] = [
  ['isue', /^xpscerpto: unknown command 'isue'; see xpscerpto --help\n$/],
  ['pik', /^xpscerpto: unknown command 'pik'; did you mean pki\?\n$/],
  ['--halp', /^xpscerpto: unknown option '--halp'; did you mean --help\?\n$/],
  ['pki isue', /^xpscerpto: unknown command 'isue'; did you mean issue\?\n$/],
  ['pki issue --nmae orders', /^xpscerpto: unknown option '--nmae'; did you mean --name\?\n$/],
  ['pki issue', /^xpscerpto: --name is missing; see xpscerpto pki issue --help\n$/],
  ['pki issue --name', /^xpscerpto: option '--name <name>' argument missing; see xpscerpto pki issue --help\n$/],
  ['pki issue --name orders extra', /^xpscerpto: too many arguments/],
  ['pki issue --name orders --key-type dsa', /argument 'dsa' is invalid.*p256, p384, ed25519, rsa/],
  ['pki issue --name orders --days soon', /argument 'soon' is invalid.*Write a number of days/],
  ['pki issue --name orders --days -1', /argument '-1' is invalid/],
  ['pki issue --name orders --purpose world', /peer, client, server, ocsp/],
  ['pki init --name CA --path-length 1.5', /Write a whole number from 0 to 16/],
  ['pki revoke', /missing required argument 'name'/],
  ['pki revoke orders --reason bored', /unspecified, keyCompromise/],
  ['pki ocsp', /takes either a name or --request; see xpscerpto pki ocsp --help/],
  ['pki pin', /missing required argument 'file'/],
];

for (const [words, said] of mistakes) {
  t.test(`xpscerpto ${words}: exit code 2 and one line`, async (t) => {
    const { code, stdout, stderr } = await xpscerpto(words.split(' '), { cwd: t.testdir() });
    t.equal(code, 2);
    t.equal(stdout, '');
    t.match(stderr, said);
    t.equal(stderr.trimEnd().split('\n').length, 1);
  });
}

t.test('what a terminal would obey is shown instead', async (t) => {
  const { stderr } = await xpscerpto(['pki', 'revoke', '\u001b[31mred\u0007', '--dir', t.testdir()]);
  t.notMatch(stderr, /\u001b|\u0007/);
});

t.test('no colours where nobody sees them', async (t) => {
  const { stdout } = await xpscerpto(['pki', 'init', '--name', 'Example CA'], { cwd: t.testdir(), env: { FORCE_COLOR: '1' } });
  t.notMatch(stdout, /\u001b/);
});

t.test('a pipe that is closed early is no failure', async (t) => {
  const { status, stderr } = spawnSync('sh', ['-c', `"${COMMAND}" pki issue --help | head -1; exit 0`], { encoding: 'utf8' });
  t.equal(status, 0);
  t.equal(stderr, '');
});

t.test('a link to the command finds what belongs to it', async (t) => {
  const folder = t.testdir();
  symlinkSync(COMMAND, join(folder, 'xps'));
  symlinkSync('xps', join(folder, 'relative'));
  for (const name of ['xps', 'relative']) {
    const { status, stdout } = spawnSync(join(folder, name), ['--version'], { encoding: 'utf8' });
    t.equal(status, 0);
    t.match(stdout, /^\d+\.\d+\.\d+\n$/);
  }
});

t.test('an old Node.js in the PATH is passed over', async (t) => {
  const folder = t.testdir({ node: '#!/bin/sh\necho v20.20.0\n' });
  const { chmodSync } = await import('node:fs');
  chmodSync(join(folder, 'node'), 0o755);
  const { code, stdout } = await xpscerpto(['--version'], { env: { PATH: `${folder}:/usr/bin:/bin` } });
  t.equal(code, 0);
  t.match(stdout, /^\d+\.\d+\.\d+\n$/);
});
