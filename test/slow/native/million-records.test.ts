// One million random records between all kernels, with random AADs, positions and forgeries.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import t from 'tap';
import { buildNative, withoutTools } from '../../support/native-build.ts';

const RECORDS = 1_000_000;

t.test('a million records', { skip: withoutTools('g++'), timeout: 900_000 }, async (t) => {
  const program = await buildNative({ sources: ['test/native/kernel_checks.cc'] });
  const run = async (...words: readonly string[]): Promise<readonly string[]> => (await promisify(execFile)(program, words)).stdout.trim().split('\n');
  const kernels = await run('list');
  const seed = String(Date.now());
  t.same(await run('random', String(Math.ceil(RECORDS / kernels.length)), seed), kernels, `seed ${seed}`);
});
