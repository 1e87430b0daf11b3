import t from 'tap';
import { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { FileWatch } from '../../certs/file-watch.ts';
import { until } from '../support/trust.ts';

interface Watched {
  calls: number;
}

async function watching(t: { teardown(end: () => void): void }, paths: readonly string[], timing = { quietMs: 20, pollMs: 60_000 }): Promise<Watched> {
  const watched = { calls: 0 };
  const watch = new FileWatch(paths, () => { watched.calls += 1; }, timing);
  t.teardown(() => watch[Symbol.dispose]());
  await watch.start();
  return watched;
}

t.test('a file that is written or replaced is seen, another one beside it is not', async (t) => {
  const dir = t.testdir({ 'a.pem': '1' });
  const watched = await watching(t, [join(dir, 'a.pem')]);
  writeFileSync(join(dir, 'b.pem'), '1');
  await delay(80);
  t.equal(watched.calls, 0);
  writeFileSync(join(dir, 'a.pem'), '2');
  await until('the write is seen', () => watched.calls === 1);
  writeFileSync(join(dir, 'new'), '3');
  renameSync(join(dir, 'new'), join(dir, 'a.pem'));
  await until('the replacement is seen', () => watched.calls === 2);
  unlinkSync(join(dir, 'a.pem'));
  await until('the removal is seen', () => watched.calls === 3);
  writeFileSync(join(dir, 'a.pem'), '3');
  await until('the return is seen', () => watched.calls === 4);
});

t.test('the swap of ..data by which Kubernetes replaces a mounted secret is one change', async (t) => {
  const dir = t.testdir();
  const version = (name: string, content: string): void => {
    mkdirSync(join(dir, name));
    writeFileSync(join(dir, name, 'tls.crt'), content);
    writeFileSync(join(dir, name, 'tls.key'), content);
  };
  version('..2026_1', '1');
  symlinkSync('..2026_1', join(dir, '..data'));
  symlinkSync('..data/tls.crt', join(dir, 'tls.crt'));
  symlinkSync('..data/tls.key', join(dir, 'tls.key'));
  const watched = await watching(t, [join(dir, 'tls.crt'), join(dir, 'tls.key')]);
  for (let round = 2; round <= 4; round += 1) {
    version(`..2026_${round}`, String(round));
    symlinkSync(`..2026_${round}`, join(dir, '..data_tmp'));
    renameSync(join(dir, '..data_tmp'), join(dir, '..data'));
    rmSync(join(dir, `..2026_${round - 1}`), { recursive: true });
    await until('the swap is seen', () => watched.calls === round - 1);
  }
  await delay(80);
  t.equal(watched.calls, 3);
});

t.test('whatever changes in a folder is seen', async (t) => {
  const dir = t.testdir({ crls: { 'a.crl': '1' } });
  const watched = await watching(t, [join(dir, 'crls')]);
  writeFileSync(join(dir, 'crls', 'b.crl'), '1');
  await until('a new file is seen', () => watched.calls === 1);
  writeFileSync(join(dir, 'crls', 'a.crl'), '22');
  await until('a change is seen', () => watched.calls === 2);
  unlinkSync(join(dir, 'crls', 'a.crl'));
  await until('a removal is seen', () => watched.calls === 3);
});

t.test('a folder that was itself replaced is watched again', async (t) => {
  const dir = t.testdir({ crls: { 'a.crl': '1' } });
  const watched = await watching(t, [join(dir, 'crls')], { quietMs: 20, pollMs: 100 });
  renameSync(join(dir, 'crls'), join(dir, 'old'));
  mkdirSync(join(dir, 'crls'));
  writeFileSync(join(dir, 'crls', 'a.crl'), '1');
  await until('the new folder is seen', () => watched.calls > 0);
  const before = watched.calls;
  writeFileSync(join(dir, 'crls', 'b.crl'), '1');
  await until('a change in it is seen', () => watched.calls > before);
});

t.test('without events, looking now and then finds the change', async (t) => {
  const dir = t.testdir();
  const watched = await watching(t, [join(dir, 'later', 'a.pem')], { quietMs: 20, pollMs: 50 });
  mkdirSync(join(dir, 'later'));
  writeFileSync(join(dir, 'later', 'a.pem'), '1');
  await until('the file is found', () => watched.calls > 0);
});

t.test('a burst of writes ends in few calls, and an endless one is not waited out', async (t) => {
  const dir = t.testdir({ 'a.pem': '' });
  const watched = await watching(t, [join(dir, 'a.pem')], { quietMs: 200, pollMs: 60_000 });
  for (let i = 0; i < 10; i += 1) {
    writeFileSync(join(dir, 'a.pem'), 'x'.repeat(i));
    await delay(10);
  }
  t.equal(watched.calls, 0);
  await until('the burst is seen', () => watched.calls === 1);
  let size = 0;
  const writer = setInterval(() => {
    size += 1;
    writeFileSync(join(dir, 'a.pem'), 'y'.repeat(size));
  }, 20);
  t.teardown(() => clearInterval(writer));
  await until('an endless burst is seen', () => watched.calls >= 2);
  clearInterval(writer);
});

