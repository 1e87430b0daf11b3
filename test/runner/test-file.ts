// Runs one test file as a process of its own and reads the TAP that it prints.
import { spawn, type ChildProcess } from 'node:child_process';
import { Parser, type Result } from 'tap-parser';

export interface Failure {
  readonly name: string;
  /** Diagnostics of the assertion, as the test printed them. */
  readonly diagnostics: unknown;
}

export interface Skip {
  readonly name: string;
  readonly reason: string;
}

export interface FileResult {
  readonly file: string;
  readonly passed: number;
  readonly failures: readonly Failure[];
  readonly skips: readonly Skip[];
  /** Why the file failed as a whole: crash, time limit, nothing tested; undefined: it did not. */
  readonly fault: string | undefined;
  readonly milliseconds: number;
  /** Everything the file printed, in order. */
  readonly output: string;
}

export interface TestFileOptions {
  readonly timeoutMs: number;
  readonly cwd: string;
}

const MAX_OUTPUT = 16 * 1024 * 1024;
const running = new Set<ChildProcess>();

/** For the end of the runner itself: no test may outlive it. */
export function killRunning(): void {
  for (const child of running) killGroup(child);
}

export async function runTestFile(file: string, { timeoutMs, cwd }: TestFileOptions): Promise<FileResult> {
  const started = performance.now();
  // tap's own limit is for the whole process too; ours comes first and says which file it was.
  const env = { ...process.env, TAP_TIMEOUT: String(Math.ceil(timeoutMs / 1000) + 30), TAP: '1', FORCE_COLOR: '0' };
  const child = spawn(process.execPath, ['--enable-source-maps', file], {
    cwd,
    env,
    // A group of its own, so that whatever a test started ends with it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);

  const counts = collect(child);
  let hasTimedOut = false;
  const timer = setTimeout(() => {
    hasTimedOut = true;
    killGroup(child);
  }, timeoutMs);
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    child.once('close', (...ended) => resolve(ended));
    child.once('error', () => resolve([null, null]));
    // A grandchild that keeps our pipe open must not hold the run.
    child.once('exit', (...ended) => setTimeout(() => resolve(ended), 2000).unref());
  });
  clearTimeout(timer);
  killGroup(child);
  running.delete(child);

  const { passed, failures, skips, planFault } = counts.finish();
  const isEmpty = passed + failures.length + skips.length === 0;
  let fault: string | undefined;
  if (hasTimedOut) fault = `did not end within ${timeoutMs / 1000} s`;
  else if (signal !== null) fault = `was ended by ${signal}`;
  else if (isEmpty) fault = `tested nothing (exit code ${code})`;
  else if (code !== 0 && failures.length === 0) fault = `ended with exit code ${code}`;
  else if (failures.length === 0) fault = planFault;
  return { file, passed, failures, skips, fault, milliseconds: performance.now() - started, output: counts.output() };
}

function collect(child: ChildProcess): {
  finish(): { passed: number; failures: Failure[]; skips: Skip[]; planFault: string | undefined };
  output(): string;
} {
  let passed = 0;
  let planFault: string | undefined;
  const failures: Failure[] = [];
  const skips: Skip[] = [];
  const output: string[] = [];
  let outputLength = 0;
  const keep = (chunk: string): void => {
    if (outputLength < MAX_OUTPUT) output.push(chunk);
    outputLength += chunk.length;
  };

  const parser = new Parser();
  // 'result' comes once for each assertion, however deep, and not for the line that only closes a subtest.
  parser.on('result', (result: Result) => {
    if (result.skip !== false) skips.push({ name: result.fullname, reason: result.skip === true ? 'no reason given' : result.skip });
    else if (result.ok) passed += 1;
    else if (result.todo === false) failures.push({ name: result.fullname, diagnostics: result.diag });
  });
  parser.on('bailout', (reason: string) => {
    failures.push({ name: `bail out: ${reason}`, diagnostics: undefined });
  });
  parser.on('complete', (results) => {
    if (!results.ok) planFault = 'printed a report that is not complete';
  });
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    keep(chunk);
    parser.write(chunk);
  });
  child.stderr?.setEncoding('utf8').on('data', keep);
  return {
    finish: () => {
      parser.end();
      return { passed, failures, skips, planFault };
    },
    output: () => output.join(''),
  };
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The group is gone: nothing is left to end.
  }
}
