// Keys, texts and tags are marked as undefined, and valgrind reports every branch and address that depends on them; the wide
// kernels, which it cannot run, are looked at in test/native/constant-time.test.ts.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import t from 'tap';
import { buildNative, withoutTools } from '../../support/native-build.ts';

const run = promisify(execFile);
const SOURCES = ['test/native/kernel_checks.cc'];
const headers = existsSync('/usr/include/valgrind/memcheck.h') ? false : 'valgrind/memcheck.h is not installed';

t.test('no branch and no address depends on a secret', { skip: withoutTools('g++', 'valgrind') || headers, timeout: 600_000 }, async (t) => {
  const program = await buildNative({ sources: SOURCES, flags: ['-g', '-DXPS_WITH_VALGRIND'] });
  const { stdout } = await run('valgrind', ['--error-exitcode=9', '--quiet', program, 'secrets']);
  const kernels = stdout.trim().split('\n').map((line) => line.replace('ok ', ''));
  t.ok(kernels.includes('aes-256-gcm/portable') && kernels.includes('chacha20-poly1305/portable'), kernels.join(', '));
  if (process.arch === 'x64') t.ok(kernels.includes('aes-256-gcm/aesni-128'), 'valgrind knows AES-NI');
});

t.test('valgrind would have noticed: a comparison that ends early is reported', { skip: withoutTools('g++', 'valgrind') || headers, timeout: 600_000 }, async (t) => {
  const program = await buildNative({ sources: SOURCES, flags: ['-g', '-DXPS_WITH_VALGRIND'] });
  await t.rejects(run('valgrind', ['--error-exitcode=9', '--quiet', program, 'leak']), { code: 9 });
});

t.test('a refusal takes the same time wherever the tag is wrong', { skip: withoutTools('g++'), timeout: 600_000 }, async (t) => {
  const program = await buildNative({ sources: SOURCES });
  const { stdout } = await run(program, ['timing']);
  t.ok(stdout.trim().split('\n').every((line) => line.startsWith('ok ')), stdout);
});
