import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadNativeEngine } from '../../engines/native.ts';
import { loadAddon, type NativeReport } from '../../engines/native-addon.ts';
import { buildNative, withoutTools } from '../support/native-build.ts';
import { withoutAddon } from '../support/native-kernels.ts';

const ENGINES = join(import.meta.dirname, '../../engines');

/** Kernels are chosen once in a process, so every mask needs one of its own. */
function inAnotherProcess(mask: string, script: string): string {
  return execFileSync(process.execPath, ['--input-type=module-typescript', '-e', script], {
    env: { ...process.env, XPS_SIMD_ISA_MASK: mask },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

function reportUnder(mask: string): NativeReport {
  const script = `import { loadAddon } from '${ENGINES}/native-addon.ts'; process.stdout.write(JSON.stringify(loadAddon().addon.report()));`;
  return JSON.parse(inAnotherProcess(mask, script)) as NativeReport;
}

const report = loadAddon().addon?.report();

t.test('the report agrees with what the system says of this processor', { skip: withoutAddon || process.arch !== 'x64' }, async (t) => {
  const flags = new Set(/^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.trim().split(' '));
  const expected = {
    aesni: ['aes', 'ssse3', 'sse4_1'],
    pclmul: ['pclmulqdq'],
    avx2: ['avx2', 'bmi2'],
    vaes: ['vaes', 'vpclmulqdq'],
    avx512: ['avx512f', 'avx512bw', 'avx512dq', 'avx512vl'],
    avx512ifma: ['avx512ifma'],
  };
  for (const [name, needed] of Object.entries(expected)) {
    t.equal(report?.cpu.includes(name), needed.every((flag) => flags.has(flag)), name);
  }
});

t.test('every bucket has a winner that was measured and passed', { skip: withoutAddon }, async (t) => {
  for (const operation of ['aes-256-gcm', 'chacha20-poly1305'] as const) {
    t.equal(report?.winners[operation].length, report?.buckets.length);
    report?.winners[operation].forEach((winner, bucket) => {
      const kernel = report.kernels.find(({ name }) => name === winner);
      t.match(kernel, { operation, verdict: 'usable', isConstantTime: true }, `${winner} up to ${report.buckets[bucket]} bytes`);
      t.ok((kernel?.nanoseconds[bucket] ?? 0) > 0);
    });
  }
});

t.test('a mask restricts what is used', { skip: withoutAddon }, async (t) => {
  const portable = reportUnder('none');
  t.same(portable.allowed, []);
  t.same(new Set(Object.values(portable.winners).flat()), new Set(['aes-256-gcm/portable', 'chacha20-poly1305/portable']));
  for (const mask of ['aesni,pclmul', 'AESNI+PCLMUL', 'aesni|pclmul|avx2']) {
    for (const { name, requires, verdict } of reportUnder(mask).kernels) {
      const isAllowed = requires.every((isa) => mask.toLowerCase().split(/[,+|]/).includes(isa));
      const lacks = requires.some((isa) => report?.cpu.includes(isa) !== true);
      t.equal(verdict, lacks ? 'lacks_isa' : isAllowed ? 'usable' : 'masked', `${name} under ${mask}`);
    }
  }
  t.same(reportUnder('all').allowed, report?.cpu);
});

t.test('an unknown name in the mask is an error', { skip: withoutAddon }, async (t) => {
  for (const mask of ['avx3', 'aesni,', ',', 'none;all', ' avx2', 'avx-512']) {
    const script = `
      import { loadNativeEngine } from '${ENGINES}/native.ts';
      try { loadNativeEngine(); } catch (error) { process.stdout.write(error.reason + ' ' + error.detail); }`;
    t.match(inAnotherProcess(mask, script), /^environment_invalid XPS_SIMD_ISA_MASK: unknown instruction set; known are all, none, aesni/, mask);
  }
});

t.test('a mask that comes too late is an error', { skip: withoutAddon }, async (t) => {
  t.throws(() => loadAddon('none'), { message: /environment_invalid/ });
});

t.test('a forced kernel is used for every length, and an unknown one for none', { skip: withoutAddon }, async (t) => {
  const { addon } = loadAddon();
  const handle = addon?.createCipher(0, new Uint8Array(32), 'aes-256-gcm/portable') ?? 0;
  for (const length of [0, 64, 65, 65_536, 1_000_000]) t.equal(addon?.cipherKernel(handle, length), 'aes-256-gcm/portable');
  addon?.destroyCipher(handle);
  for (const kernel of ['aes-256-gcm', 'aes-256-gcm/vaes', 'portable', 'aes-256-gcm/portable ']) {
    t.throws(() => loadNativeEngine({ kernel }), { message: /algorithm_unavailable/ }, kernel);
  }
});

t.test('a kernel of the mask that is forced under another mask is refused', { skip: withoutAddon }, async (t) => {
  const script = `
    import { loadNativeEngine } from '${ENGINES}/native.ts';
    try { loadNativeEngine({ kernel: 'aes-256-gcm/aesni-128' }); } catch (error) { process.stdout.write(error.reason); }`;
  t.equal(inAnotherProcess('none', script), 'algorithm_unavailable');
});

t.test('wide kernels are demoted where they cost the clock, wrong ones are noticed', { skip: withoutTools('g++') }, async (t) => {
  const program = await buildNative({ sources: ['test/native/dispatch_checks.cc'] });
  t.equal(execFileSync(program, { encoding: 'utf8' }), 'ok\n');
});
