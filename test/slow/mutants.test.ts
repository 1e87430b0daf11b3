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
// Published vectors lie beside a checkout.
symlinkSync(join(ROOT, '..', 'shared'), join(home, 'shared'));
/** As many copies as there are tests at a time. */
const copies = ['one', 'two'].map((name) => makeCopy(join(home, name)));

const mutants: readonly Mutant[] = (
  await Promise.all(globSync('*-mutants.ts', { cwd: join(ROOT, 'test/mutants') }).toSorted().map(async (file) => {
    const { MUTANTS } = (await import(join(ROOT, 'test/mutants', file))) as { readonly MUTANTS: readonly Mutant[] };
    return MUTANTS;
  }))
).flat();

t.test('every change fits exactly one place', async (t) => {
  for (const { name, changes } of mutants) {
    for (const { file, find } of changes) t.equal(readFileSync(join(ROOT, file), 'utf8').split(find).length - 1, 1, `${name}: ${file}`);
  }
  t.ok(mutants.length >= 14, `${mutants.length} mutants`);
});

t.test('without a change the tests are green', async (t) => {
  const files = [...new Set(mutants.flatMap(({ tests }) => tests))];
  const greens = await inCopies(files, (file, copy) => isGreen(file, copy));
  for (const [index, file] of files.entries()) t.ok(greens[index], file);
});

t.test('with a change they are not', async (t) => {
  const caught = await inCopies(mutants, isCaught);
  for (const [index, { name, tests }] of mutants.entries()) t.ok(caught[index], `${name}: caught by ${tests.join(' or ')}`);
});

function makeCopy(copy: string): string {
  for (const name of COPIED.filter((path) => existsSync(join(ROOT, path)))) {
    cpSync(join(ROOT, name), join(copy, name), { recursive: true, filter: (path) => !/\/(?:node_modules|build|\.tap)(?:\/|$)/.test(path) });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

/** Works through `items`, one at a time in each copy; results stand where the items stood. */
async function inCopies<T>(items: readonly T[], work: (item: T, copy: string) => Promise<boolean>): Promise<readonly boolean[]> {
  const results: boolean[] = [];
  const waiting = [...items.entries()];
  await Promise.all(copies.map(async (copy) => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) results[next[0]] = await work(next[1], copy);
  }));
  return results;
}

async function isGreen(file: string, copy: string): Promise<boolean> {
  return !isFailed(await runTestFile(file, { cwd: copy, timeoutMs: LIMIT_MS }));
}

async function isCaught({ changes, tests }: Mutant, copy: string): Promise<boolean> {
  const originals = changes.map(({ file }) => [file, readFileSync(join(copy, file), 'utf8')] as const);
  for (const change of changes) apply(change, copy);
  let isRed = false;
  for (const file of tests) isRed ||= !(await isGreen(file, copy));
  for (const [file, text] of originals) writeFileSync(join(copy, file), text);
  return isRed;
}

function apply({ file, find, replace }: Change, copy: string): void {
  const path = join(copy, file);
  writeFileSync(path, readFileSync(path, 'utf8').replace(find, () => replace));
}
