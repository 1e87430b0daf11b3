// The NEON kernels, which this machine may not have: cross-compiled, and run by an emulator. It knows the instructions, not
// their timing.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import t from 'tap';
import { buildNative, withoutTools } from '../../support/native-build.ts';

const COMPILER = 'aarch64-linux-gnu-g++';
const KERNELS = ['aes-256-gcm/neon', 'chacha20-poly1305/neon', 'aes-256-gcm/portable', 'chacha20-poly1305/portable'];
const skip = withoutTools(COMPILER, 'qemu-aarch64');

t.test('NEON kernels give known answers and agree with the portable ones', { skip, timeout: 600_000 }, async (t) => {
  const program = await buildNative({ sources: ['test/native/kernel_checks.cc'], compiler: COMPILER, arch: 'arm64', linkFlags: ['-static'] });
  for (const words of [['list'], ['sweep'], ['counters'], ['random', '500', '3']]) {
    const { stdout } = await promisify(execFile)('qemu-aarch64', [program, ...words]);
    t.same(stdout.trim().split('\n'), KERNELS.map((name) => `ok ${name}`), words.join(' '));
  }
});
