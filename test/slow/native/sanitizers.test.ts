// The addon's C++ under sanitizers, a fuzzer and another compiler.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { buildNative, withoutTools } from '../../support/native-build.ts';

const run = promisify(execFile);
const FUZZ_SECONDS = 20;
const CHECKS = ['test/native/kernel_checks.cc'];
const MEMORY = ['-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-fno-omit-frame-pointer'];
const skip = withoutTools('clang++');

async function passes(program: string, ...words: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await run(program, words, { maxBuffer: 1 << 26 });
  return stdout.trim().split('\n');
}

t.test('AddressSanitizer and UndefinedBehaviorSanitizer find nothing', { skip }, async (t) => {
  const program = await buildNative({ sources: CHECKS, compiler: 'clang++', flags: MEMORY });
  const kernels = await passes(program, 'list');
  for (const words of [['sweep'], ['counters'], ['random', '2000', '7']]) {
    t.same(await passes(program, ...words), kernels, words.join(' '));
  }
  const threads = await buildNative({ sources: ['test/native/cipher_threads.cc'], compiler: 'clang++', flags: MEMORY });
  t.same(await passes(threads), ['ok'], 'ciphers of several threads');
});

t.test('ThreadSanitizer finds nothing', { skip }, async (t) => {
  const program = await buildNative({ sources: ['test/native/cipher_threads.cc'], compiler: 'clang++', flags: ['-g', '-fsanitize=thread'] });
  t.same(await passes(program), ['ok']);
});

t.test('what clang makes of the kernels agrees too', { skip }, async (t) => {
  const program = await buildNative({ sources: CHECKS, compiler: 'clang++' });
  const kernels = await passes(program, 'list');
  t.ok(kernels.length >= 4);
  for (const words of [['sweep'], ['counters'], ['random', '3000', '8']]) t.same(await passes(program, ...words), kernels, words.join(' '));
});

t.test(`fuzzing for ${FUZZ_SECONDS} seconds finds nothing`, { skip, timeout: 300_000 }, async (t) => {
  const flags = ['-g', '-fsanitize=fuzzer-no-link,address,undefined', '-fno-sanitize-recover=all'];
  const program = await buildNative({ sources: ['test/native/record_cipher_fuzz.cc'], compiler: 'clang++', flags, linkFlags: ['-fsanitize=fuzzer'] });
  const corpus = mkdtempSync(join(tmpdir(), 'xps-fuzz-'));
  t.teardown(() => rmSync(corpus, { recursive: true }));
  const { stderr } = await run(program, [`-max_total_time=${FUZZ_SECONDS}`, '-max_len=4096', '-print_final_stats=1', `-artifact_prefix=${corpus}/`, corpus], { maxBuffer: 1 << 26 });
  const runs = Number(/number_of_executed_units: (\d+)/.exec(stderr)?.[1]);
  t.ok(runs > 1000, `${runs} inputs`);
});
