import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';

const ROOT = resolve(import.meta.dirname, '..');

interface Run {
  readonly code: number | null;
  readonly lines: readonly string[];
  readonly last: string;
}

/** Runs the runner on files of our own making; they print TAP themselves, so each costs little. */
async function run(files: Readonly<Record<string, string>>, env: Readonly<Record<string, string>> = {}): Promise<Run> {
  const folder = t.testdir({ ...files });
  return runIn([folder], env);
}

function runIn(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Run> {
  const child = spawn(process.execPath, [join(ROOT, 'test', 'run.ts'), ...args], {
    env: { ...process.env, CI: '', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  return new Promise((done) => {
    child.on('close', (code) => {
      const lines = output.trimEnd().split('\n');
      done({ code, lines, last: lines.at(-1) ?? '' });
    });
  });
}

const print = (text: string): string => `process.stdout.write(${JSON.stringify(text)});\n`;

await t.test('counts assertions of nested tests and ends with the closing line', async (t) => {
  const { code, last, lines } = await run({
    'a.test.ts': `import t from 'tap';
      t.test('outer', async (t) => { t.ok(true); await t.test('inner', async (t) => { t.ok(1); t.ok(2); }); });
      t.test('left out', { skip: 'a reason' }, async () => {});`,
    'b.test.ts': print('ok 1\nok 2\n1..2\n'),
    'not-a-test.ts': 'process.exit(9);',
  });
  t.equal(code, 0);
  t.equal(last, '5 passed, 0 failed, 1 skipped');
  t.ok(lines.some((line) => /^ok\s+\S*a\.test\.ts {2}3 passed, 1 skipped {2}\d+\.\d s$/.test(line)));
  t.ok(lines.some((line) => line.startsWith('SKIPPED: a reason')));
});

await t.test('a failed assertion is printed in full and ends with 1', async (t) => {
  const { code, last, lines } = await run({
    'a.test.ts': `import t from 'tap'; t.test('sum', async (t) => { t.equal(1 + 1, 3, 'adds up'); t.ok(true); });`,
  });
  t.equal(code, 1);
  t.equal(last, '1 passed, 1 failed, 0 skipped');
  const text = lines.join('\n');
  t.match(text, /✗ sum > adds up/);
  t.match(text, /-3\n\s*\+2/, 'with the difference');
});

await t.test('a file that breaks as a whole fails the run', async (t) => {
  const faults: readonly (readonly [name: string, source: string, says: RegExp])[] = [
    ['throws at once', `throw new Error('boom');`, /tested nothing[^]*boom/],
    ['tests nothing', `export {};`, /tested nothing/],
    ['exits with 3 after its tests', print('ok 1\n1..1\n') + `process.exitCode = 3;`, /exit code 3/],
    ['prints no plan', print('ok 1\n'), /not complete/],
    ['keeps less than its plan', print('1..3\nok 1\n'), /not complete/],
    ['is killed', print('ok 1\n1..1\n') + `process.kill(process.pid, 'SIGKILL');`, /SIGKILL/],
    ['bails out', print('ok 1\nBail out! no disk\n1..1\n'), /bail out: no disk/],
  ];
  for (const [name, source, says] of faults) {
    const { code, last, lines } = await run({ 'a.test.ts': source, 'b.test.ts': print('ok 1\n1..1\n') });
    t.equal(code, 1, name);
    t.match(last, /^[12] passed, 1 failed, 0 skipped$/, name);
    t.match(lines.join('\n'), says, name);
  }
});

await t.test('a file that does not end is killed with what it started', async (t) => {
  const folder = t.testdir({
    'a.test.ts': `
      import { spawn } from 'node:child_process';
      import { writeFileSync } from 'node:fs';
      process.stdout.write('ok 1\\n');
      const child = spawn('sleep', ['600'], { stdio: 'inherit' });
      writeFileSync(import.meta.dirname + '/pid', String(child.pid));
      setInterval(() => {}, 1000);`,
  });
  const { code, last, lines } = await runIn([folder], { XPS_TEST_TIMEOUT_S: '1' });
  t.equal(code, 1);
  t.equal(last, '1 passed, 1 failed, 0 skipped');
  t.match(lines.join('\n'), /did not end within 1 s/);
  const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'));
  t.ok(hasEnded(pid), 'the grandchild is gone');
});

await t.test('a run in which no test ran fails', async (t) => {
  const nothing = await run({ 'readme.txt': 'x' });
  t.same([nothing.code, nothing.last], [1, '0 passed, 1 failed, 0 skipped']);
  const onlySkips = await run({ 'a.test.ts': print('ok 1 - x # SKIP later\n1..1\n') });
  t.same([onlySkips.code, onlySkips.last], [1, '0 passed, 1 failed, 1 skipped']);
  const absent = await runIn(['/nowhere/at/all.test.ts']);
  t.same([absent.code, absent.last], [1, '0 passed, 1 failed, 0 skipped']);
});

await t.test('with CI=true a skip for want of a tool is a failure, other skips are not', async (t) => {
  const source = print('ok 1\nok 2 - q # SKIP openssl is missing\nok 3 - v # SKIP test vectors are missing\nok 4 # SKIP by platform\n1..4\n');
  const atHome = await run({ 'a.test.ts': source });
  t.same([atHome.code, atHome.last], [0, '1 passed, 0 failed, 3 skipped']);
  const inCi = await run({ 'a.test.ts': source }, { CI: 'true' });
  t.same([inCi.code, inCi.last], [1, '1 passed, 1 failed, 2 skipped']);
  t.match(inCi.lines.join('\n'), /FAIL: CI promises every tool.*openssl is missing/);
});

await t.test('what a file printed is kept', async (t) => {
  const { code } = await run({ 'a.test.ts': print('# a remark\nok 1\n1..1\n') });
  t.equal(code, 0);
  const folder = join(ROOT, '.tap', 'output', '.tap', 'fixtures');
  t.ok(existsSync(folder));
});

/** A zombie that nobody has waited for has ended too. */
function hasEnded(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.startsWith('Z') ?? true;
  } catch {
    return true;
  }
}
