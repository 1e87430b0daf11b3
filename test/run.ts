// Runs tests: `node test/run.ts` everything that is fast, `node test/run.ts slow` test/slow, or the files and folders
// that are named. Each file is a plain process (the tap command costs a second for each start) and its TAP is read here.
// The last line is always `N passed, N failed, N skipped`, counted in assertions.
import { globSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { failureText, fileLine, forWantOfATool, isFailed, skipText } from './runner/report.ts';
import { killRunning, runTestFile, type FileResult } from './runner/test-file.ts';

const ROOT = resolve(import.meta.dirname, '..');
const JOBS = Number(process.env['XPS_TEST_JOBS'] ?? 2);
const FAST_LIMIT_MS = Number(process.env['XPS_TEST_TIMEOUT_S'] ?? 120) * 1000;
const SLOW_LIMIT_MS = Number(process.env['XPS_TEST_TIMEOUT_S'] ?? 600) * 1000;
const KEPT_OUTPUT = join(ROOT, '.tap', 'output');

await main(process.argv.slice(2));

async function main(selectors: readonly string[]): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      killRunning();
      process.exit(1);
    });
  }
  const files = chosenFiles(selectors);
  const results = await runAll(files);
  process.exitCode = conclude(results, files.length);
}

function chosenFiles(selectors: readonly string[]): readonly string[] {
  const slow = testFilesIn(join(ROOT, 'test', 'slow'));
  if (selectors.length === 0) {
    const isSlow = new Set(slow);
    return testFilesIn(join(ROOT, 'test')).filter((file) => !isSlow.has(file));
  }
  const chosen = selectors.flatMap((selector) => {
    if (selector === 'slow') return slow;
    const path = resolve(selector);
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) {
      process.stdout.write(`There is no test file or folder ${selector}\n`);
      return [];
    }
    return found.isDirectory() ? testFilesIn(path) : [path];
  });
  return [...new Set(chosen)];
}

function testFilesIn(folder: string): readonly string[] {
  return globSync('**/*.test.ts', { cwd: folder, exclude: ['**/node_modules/**', '.tap/**'] })
    .toSorted()
    .map((file) => join(folder, file));
}

async function runAll(files: readonly string[]): Promise<readonly FileResult[]> {
  const waiting = [...files];
  const results: FileResult[] = [];
  const worker = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const isSlow = file.startsWith(join(ROOT, 'test', 'slow') + sep);
      const result = await runTestFile(relative(ROOT, file), { cwd: ROOT, timeoutMs: isSlow ? SLOW_LIMIT_MS : FAST_LIMIT_MS });
      keepOutput(result);
      results.push(result);
      process.stdout.write(`${fileLine(result)}\n`);
      if (isFailed(result)) process.stdout.write(`${failureText(result)}\n`);
    }
  };
  await Promise.all(Array.from({ length: JOBS }, worker));
  return results;
}

function keepOutput(result: FileResult): void {
  const kept = join(KEPT_OUTPUT, `${result.file.replaceAll('..', '_')}.tap`);
  mkdirSync(dirname(kept), { recursive: true });
  writeFileSync(kept, result.output);
}

/** Prints the end of the report; returns the exit code. */
function conclude(results: readonly FileResult[], fileCount: number): number {
  const lines: string[] = [];
  const skips = results.flatMap((result) => result.skips);
  if (skips.length > 0) lines.push(skipText(results));
  const wanting = process.env['CI'] === 'true' ? forWantOfATool(skips) : [];
  for (const { name, reason } of wanting) lines.push(`FAIL: CI promises every tool, yet ${name} was skipped: ${reason}`);
  const broken = results.filter(isFailed);
  if (broken.length > 0) lines.push(`Failed: ${broken.map(({ file }) => file).join(', ')} (all output: ${relative(ROOT, KEPT_OUTPUT)}/)`);

  const passed = results.reduce((sum, result) => sum + result.passed, 0);
  // A file that broke as a whole counts as one failure, so that the last line never says 0 for a red run.
  const failed = results.reduce((sum, { failures, fault }) => sum + failures.length + (fault === undefined ? 0 : 1), 0);
  const hasRun = passed + failed > 0;
  if (!hasRun) lines.push(fileCount === 0 ? 'FAIL: no test file was chosen' : 'FAIL: no test ran');
  const allFailed = failed + wanting.length + (hasRun ? 0 : 1);
  lines.push(`${passed} passed, ${allFailed} failed, ${skips.length - wanting.length} skipped`);
  process.stdout.write(`${lines.join('\n')}\n`);
  return allFailed === 0 ? 0 : 1;
}
