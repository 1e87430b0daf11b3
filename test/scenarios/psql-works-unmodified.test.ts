import { chmodSync, chownSync } from 'node:fs';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import t from 'tap';
import { freePort } from '../support/applications.ts';
import { program, run, serve, skipWithout } from '../support/programs.ts';
import { startPair, temporaryFolder } from '../support/scenario.ts';

/** PostgreSQL refuses to run as root. */
function serverUser(): { readonly user?: number; readonly group?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { user: id('-u'), group: id('-g') };
}

await t.test('psql', { skip: skipWithout('postgres', 'initdb', 'psql') }, async (t) => {
  const { user, group } = serverUser();
  const dir = temporaryFolder(t);
  chmodSync(dir, 0o755);
  if (user !== undefined) chownSync(dir, user, group ?? user);
  const database = join(dir, 'database');
  execFileSync(program('initdb') as string, ['-D', database, '-U', 'test', '-A', 'trust', '--no-sync'], {
    stdio: 'ignore', cwd: dir,
    ...(user === undefined ? {} : { uid: user, gid: group }),
  });
  const port = await freePort();
  await serve(t, 'postgres', ['-D', database, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-k', dir, '-F'], port, serverUser());
  const pair = await startPair(t, { target: `tcp://127.0.0.1:${port}` });
  const psql = (sql: string): ReturnType<typeof run> => run('psql', ['-h', '127.0.0.1', '-p', new URL(pair.url).port, '-U', 'test', '-d', 'postgres', '-AtX', '-c', sql]);

  t.equal((await psql('select 6 * 7')).stdout, '42\n');
  await psql('create table numbers as select generate_series(1, 100000) as n');
  t.equal((await psql('select count(*), sum(n) from numbers')).stdout, '100000|5000050000\n');
  t.equal((await psql('select n from numbers')).stdout.length, 588_895, 'a large result');
  const failed = await psql('select 1 / 0');
  t.match(failed.stderr, /division by zero/, 'errors of the server arrive');
});
