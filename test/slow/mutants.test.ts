// Breaks the sources on purpose, one change at a time, in a copy: the tests that are named for it must turn red, and without
// any change they must be green.
import t from 'tap';
import { cpSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { isFailed } from '../runner/report.ts';
import { runTestFile } from '../runner/test-file.ts';
import type { Change, Mutant } from '../mutants/mutant.ts';

const ROOT = resolve(import.meta.dirname, '../..');
/** What tests of these folders read; the addon is left out, so that the portable path and OpenSSL do the work. */
const COPIED = ['base', 'engines', 'certs', 'keyring', 'record', 'handshake', 'channel', 'sidecar', 'docs', 'test', 'package.json', 'tsconfig.json'];
const LIMIT_MS = 120_000;

const home = mkdtempSync(join(tmpdir(), 'xpscerpto-mutants-'));
t.teardown(() => rmSync(home, { recursive: true, force: true }));
const folder = join(home, 'checkout');
for (const name of COPIED.filter((path) => existsSync(join(ROOT, path)))) {
  cpSync(join(ROOT, name), join(folder, name), { recursive: true, filter: (path) => !/\/(?:node_modules|build|\.tap)(?:\/|$)/.test(path) });
}
symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
// Published vectors lie beside a checkout.
symlinkSync(join(ROOT, '..', 'shared'), join(home, 'shared'));

const mutants: readonly Mutant[] = (
  await Promise.all(globSync('*-mutants.ts', { cwd: join(ROOT, 'test/mutants') }).toSorted().map(async (file) => {
    const { MUTANTS } = (await import(join(ROOT, 'test/mutants', file))) as { readonly MUTANTS: readonly Mutant[] };
    return MUTANTS;
  }))
).flat();

const runs = async (file: string): Promise<boolean> => !isFailed(await runTestFile(file, { cwd: folder, timeoutMs: LIMIT_MS }));

t.test('every change fits exactly one place', async (t) => {
  for (const { name, changes } of mutants) {
    for (const { file, find } of changes) t.equal(readFileSync(join(ROOT, file), 'utf8').split(find).length - 1, 1, `${name}: ${file}`);
  }
  t.ok(mutants.length >= 14, `${mutants.length} mutants`);
});

t.test('without a change the tests are green', async (t) => {
  for (const file of new Set(mutants.flatMap(({ tests }) => tests))) t.ok(await runs(file), file);
});

for (const { name, changes, tests } of mutants) {
  t.test(name, async (t) => {
    const originals = changes.map(({ file }) => [file, readFileSync(join(folder, file), 'utf8')] as const);
    changes.forEach(apply);
    let isCaught = false;
    for (const file of tests) isCaught ||= !(await runs(file));
    for (const [file, text] of originals) writeFileSync(join(folder, file), text);
    t.ok(isCaught, `caught by ${tests.join(' or ')}`);
  });
}

function apply({ file, find, replace }: Change): void {
  const path = join(folder, file);
  writeFileSync(path, readFileSync(path, 'utf8').replace(find, () => replace));
}
