import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { Clock } from '../../base/clock.ts';
import type { Credential, CredentialSource } from '../../certs/contract.ts';
import { openLog } from '../../sidecar/log.ts';
import { Renewal } from '../../sidecar/renewal.ts';
import { type LogLine, temporaryFolder, type Test } from '../support/scenario.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2027, 0, 1);
const PAUSES = { shortestPauseMs: 40, longestPauseMs: 160 };

/** What a file says is the certificate; its life is 10 days, of which `age` have passed. */
class FakeSource implements CredentialSource {
  readonly file: string;
  reloads = 0;
  ageOfNext = 0;
  current: Credential;
  readonly #listeners = new Set<() => void>();

  constructor(file: string, age: number) {
    this.file = file;
    this.current = this.read(age);
  }

  read(age: number): Credential {
    const notBeforeMs = NOW_MS - age * DAY_MS;
    const presented = { chain: [readFileSync(this.file)], staple: new Uint8Array(0) };
    return { presented, key: undefined as unknown as Credential['key'], name: 'fake', notBeforeMs, notAfterMs: notBeforeMs + 10 * DAY_MS };
  }

  replace(credential: Credential): void {
    this.current = credential;
    for (const listener of this.#listeners) listener();
  }

  async reload(): Promise<void> {
    this.reloads += 1;
    if (Buffer.compare(readFileSync(this.file), this.current.presented.chain[0] as Uint8Array) !== 0) this.replace(this.read(this.ageOfNext));
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onFailure(): () => void {
    return () => {};
  }

  async staple(): Promise<void> {}

  [Symbol.dispose](): void {}
}

interface Bench {
  readonly dir: string;
  readonly source: FakeSource;
  readonly log: LogLine[];
  readonly clock: { wall: number } & Clock;
  readonly renewal: Renewal;
  runs(): number;
  until(what: () => boolean): Promise<void>;
}

/** The script finds its folder as $1, and leaves a line in `runs` for each time it is run. */
function bench(t: Test, script: string, { age = 7, timeoutMs = 10_000, command = undefined as [string, ...string[]] | undefined } = {}): Bench {
  const dir = temporaryFolder(t);
  const certFile = join(dir, 'cert');
  writeFileSync(certFile, 'old');
  const source = new FakeSource(certFile, age);
  const log: LogLine[] = [];
  const clock = { wall: NOW_MS, wallMs: () => clock.wall, monotonicMs: () => performance.now() };
  const renewal = new Renewal(
    { certFile, keyFile: join(dir, 'key'), renew: undefined },
    { command: command ?? ['/bin/sh', '-c', `echo run >> "$1/runs"\n${script}`, 'hook', dir], at: 0.66, timeoutMs },
    { credential: source, clock, timing: PAUSES, log: openLog({ level: 'debug', format: 'json' }, { write: (line) => log.push(JSON.parse(line) as LogLine) }) },
  );
  t.teardown(() => renewal[Symbol.asyncDispose]());
  const runs = (): number => (existsSync(join(dir, 'runs')) ? readFileSync(join(dir, 'runs'), 'utf8').split('\n').length - 1 : 0);
  const until = async (what: () => boolean): Promise<void> => {
    const deadline = performance.now() + 10_000;
    while (!what()) {
      if (performance.now() > deadline) throw new Error(`it did not come to it: ${JSON.stringify(log)}`);
      await sleep(5);
    }
  };
  return { dir, source, log, clock, renewal, runs, until };
}

const RENEW = 'printf "%s %s" "$XPS_CERT_FILE" "$XPS_KEY_FILE" > "$1/seen"; printf new > "$XPS_CERT_FILE"; echo first; printf "done\\033[31m\\n" >&2';

t.test('a certificate past its point is renewed, once', async (t) => {
  const { dir, source, log, runs, until } = bench(t, RENEW);
  await until(() => log.length > 0);
  t.match(log, [{ level: 'info', msg: 'the renewal command renewed the identity', program: '/bin/sh', exit: 0, output: 'done\\x1b[31m' }]);
  t.equal(readFileSync(join(dir, 'seen'), 'utf8'), `${join(dir, 'cert')} ${join(dir, 'key')}`);
  t.equal(source.reloads, 1);
  await sleep(100);
  t.equal(runs(), 1);
});

t.test('before the point nothing runs; a certificate that is due arms it again', async (t) => {
  const { source, runs, until } = bench(t, RENEW, { age: 6.5 });
  await sleep(100);
  t.equal(runs(), 0);
  writeFileSync(source.file, 'from elsewhere');
  source.replace(source.read(6.7));
  await until(() => runs() === 1);
});

t.test('the point is noticed with the clock of the wall', async (t) => {
  const { clock, runs, until } = bench(t, RENEW, { age: 6.6 - 200 / DAY_MS });
  t.equal(runs(), 0);
  clock.wall += 200;
  await until(() => runs() === 1);
});

t.test('lives of many years do not overflow the timer', async (t) => {
  const { clock, source, runs } = bench(t, RENEW, { age: 0 });
  clock.wall -= 100_000 * DAY_MS;
  source.replace(source.read(0));
  writeFileSync(source.file, 'other');
  source.replace(source.read(0));
  await sleep(100);
  t.equal(runs(), 0);
});

t.test('failures are told and repeated with growing pauses, until it works', async (t) => {
  const { dir, log, runs, until } = bench(t, `[ $(wc -l < "$1/runs") -gt 3 ] || { echo "no $(wc -l < "$1/runs")"; exit 7; }\n${RENEW}`);
  await until(() => log.some(({ level }) => level === 'info'));
  const failures = log.filter(({ level }) => level === 'warn');
  t.match(failures, [{ msg: 'the renewal command failed', exit: 7, failures: 1 }, { exit: 7, failures: 2 }, { exit: 7, failures: 3 }]);
  const pauses = failures.map((line) => line['retryInMs'] as number);
  t.ok((pauses[0] as number) >= 30 && (pauses[0] as number) <= 40, 'the first pause');
  t.ok((pauses[1] as number) >= 60 && (pauses[2] as number) >= 120, 'is doubled');
  t.equal(runs(), 4);
  t.ok(existsSync(join(dir, 'seen')));
});

t.test('success that changes nothing is a failure', async (t) => {
  const { log, until } = bench(t, 'true');
  await until(() => log.length > 1);
  t.match(log, [{ level: 'warn', msg: 'the renewal command left the same certificate', exit: 0 }, { failures: 2 }]);
});

t.test('a new certificate that is due already does not make it run without pause', async (t) => {
  const { source, log, until } = bench(t, 'wc -l < "$1/runs" > "$XPS_CERT_FILE"');
  source.ageOfNext = 9;
  await until(() => log.length > 1);
  t.match(log, [{ level: 'warn', msg: 'the renewed certificate is already due for renewal', failures: 1 }, { failures: 2 }]);
});

t.test('files that cannot be used are told', async (t) => {
  const { source, log, until } = bench(t, 'true');
  source.reload = () => Promise.reject(new Error('unreadable'));
  await until(() => log.length > 0);
  t.match(log[0], { level: 'warn', msg: 'the renewal command left files that cannot be used', reason: 'internal_error' });
});

t.test('a program that is not there', async (t) => {
  const { log, until } = bench(t, '', { command: ['/nonexistent/step', 'ca', 'renew'] });
  await until(() => log.length > 0);
  t.match(log[0], { level: 'warn', msg: 'the renewal command failed', exit: 'ENOENT', program: '/nonexistent/step' });
});

t.test('what takes too long is killed with everything it started, and never two run at once', async (t) => {
  const { dir, source, log, runs, until } = bench(t, 'trap "" TERM; sleep 60 & echo $! > "$1/pid"; wait; sleep 60', { timeoutMs: 400 });
  await until(() => existsSync(join(dir, 'pid')));
  writeFileSync(source.file, 'from elsewhere');
  source.replace(source.read(9));
  await sleep(100);
  t.equal(runs(), 1, 'a change while it runs starts no second one');
  await until(() => log.length > 0);
  t.match(log[0], { level: 'warn', msg: 'the renewal command took too long and was killed', exit: 'SIGKILL' });
  const pid = Number(readFileSync(join(dir, 'pid'), 'utf8'));
  await until(() => !isAlive(pid));
});

t.test('what it leaves in the background holds nothing up', async (t) => {
  const { dir, log, until } = bench(t, `sleep 60 & echo $! > "$1/pid"\n${RENEW}`);
  await until(() => log.length > 0);
  t.match(log[0], { level: 'info', exit: 0 });
  process.kill(Number(readFileSync(join(dir, 'pid'), 'utf8')));
});

t.test('it ends with the sidecar', async (t) => {
  const { dir, log, renewal, runs, until } = bench(t, 'echo $$ > "$1/pid"; exec sleep 60');
  await until(() => existsSync(join(dir, 'pid')) && readFileSync(join(dir, 'pid'), 'utf8').endsWith('\n'));
  await renewal[Symbol.asyncDispose]();
  t.notOk(isAlive(Number(readFileSync(join(dir, 'pid'), 'utf8'))));
  await sleep(100);
  t.equal(runs(), 1);
  t.same(log, [], 'that it was stopped is no failure');
});

/** A zombie, which nobody has waited for, is not alive. */
function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
