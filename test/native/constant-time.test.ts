// What the compiler made of the wide kernels, which valgrind cannot run: no instruction that could turn a secret into a
// branch or an address.
//
// Keys, key stream and hashes live in vector registers. They could only steer something by way of a general or mask
// register, and few instructions lead there. In the AES-GCM kernels the only ones are the two halves of the computed tag on
// their way into its comparison; `prepare` has the S-box of the key expansion, which goes back into a vector.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { withoutTools } from '../support/native-build.ts';

const OBJECTS = join(import.meta.dirname, '../../build/Release/obj.target');
const AES_KERNELS = ['kernels_vaes512/record/native/kernels/aes_gcm_vaes512.o', 'kernels_vaes256/record/native/kernels/aes_gcm_vaes256.o'];
const CHACHA_KERNELS = ['kernels_avx512/record/native/kernels/chacha_avx512.o', 'kernels_avx2/record/native/kernels/chacha_avx2.o'];

/** Table look-ups by vector, comparisons into masks, and instructions whose time depends on their operands. */
const FORBIDDEN = /^(?:v?p?gather|v?p?scatter|v?pcmp|vcmp|v?ptest|vtest|v?p?movmsk|k(?:or)?test|kmov[bwdq] +%k\d,%|v?p?compress|v?p?expand|v?maskmov|i?div|xlat|bsf|bsr|tzcnt|lzcnt|popcnt)/;
const LEAVES_VECTORS = /^v?(?:movd|movq|pextr[bwdq]) .*%xmm\d+,%[er]/;

const skip = process.arch === 'x64' ? withoutTools('objdump') || (existsSync(join(OBJECTS, AES_KERNELS[0] as string)) ? false : 'the addon is not built') : 'these kernels are for x86-64';

interface Routine {
  readonly name: string;
  readonly instructions: readonly string[];
}

function routinesOf(object: string): readonly Routine[] {
  const text = execFileSync('objdump', ['-d', '--no-show-raw-insn', '-C', join(OBJECTS, object)], { encoding: 'utf8', maxBuffer: 1 << 26 });
  return text.split(/^[0-9a-f]+ (?=<)/m).slice(1).map((part) => {
    const [heading, ...lines] = part.split('\n') as [string, ...string[]];
    return { name: heading, instructions: lines.flatMap((line) => line.split('\t')[1]?.trim() ?? []) };
  });
}

function instructionsOf(routines: readonly Routine[], method: string): readonly string[] {
  const found = routines.filter(({ name }) => name.includes(`::${method}(`));
  return found.flatMap(({ instructions }) => instructions);
}

for (const object of [...AES_KERNELS, ...CHACHA_KERNELS]) {
  t.test(`${object}: nothing looks up, compares or divides`, { skip }, async (t) => {
    const all = routinesOf(object).flatMap(({ instructions }) => instructions);
    t.ok(all.filter((instruction) => /%[yz]mm/.test(instruction)).length > 300, 'it is a wide kernel');
    t.same(all.filter((instruction) => FORBIDDEN.test(instruction)), []);
  });
}

for (const object of AES_KERNELS) {
  t.test(`${object}: only a computed tag leaves the vectors`, { skip }, async (t) => {
    const routines = routinesOf(object);
    const leaving = (method: string): number => instructionsOf(routines, method).filter((instruction) => LEAVES_VECTORS.test(instruction)).length;
    t.ok(instructionsOf(routines, 'seal').length > 1000);
    t.equal(leaving('seal'), 0);
    t.equal(leaving('open'), 2);
  });
}
