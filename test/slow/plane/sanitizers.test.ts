// The plane's C++ under the sanitizers: bytes checked, keys changing, channels killed in every state.
import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { buildNative, withoutTools } from '../../support/native-build.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const SECONDS = 20;
const run = promisify(execFile);

const sources = globSync('record/native/plane/*.cc', { cwd: ROOT }).filter((file) => !file.endsWith('_binding.cc')).toSorted();

for (const [name, flags] of [
  ['no sanitizer', []],
  ['address and undefined behaviour', ['-fsanitize=address,undefined', '-fno-sanitize-recover=all']],
  ['threads', ['-fsanitize=thread']],
] as const) {
  t.test(`the plane's check: ${name}`, { skip: withoutTools('clang++') }, async (t) => {
    const program = await buildNative({
      sources: ['test/plane/plane_check.cc', ...sources],
      compiler: 'clang++',
      flags: ['-fexceptions', '-g', '-O1', ...flags],
    });
    const seed = Math.floor(Math.random() * 1e6);
    const { stdout } = await run(program, [String(SECONDS), String(seed)], { timeout: 240_000 });
    t.match(stdout, / 0 mistakes, 0 descriptors and 0 keys left/);
    t.comment(`seed ${seed}: ${stdout.trim()}`);
  });
}
