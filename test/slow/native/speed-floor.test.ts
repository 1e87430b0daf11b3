// Not a benchmark: catches a kernel that lost its shape, as when it is compiled with -O2, or a dispatch that chose wrongly.
// Ratios in one run, so that neither the machine nor its load matters much; the floors are half of what is measured.
import t from 'tap';
import { measureAead, type AeadFigures } from '../../../bench/aead.ts';
import { withoutTools } from '../../support/native-build.ts';
import { withoutAddon } from '../../support/native-kernels.ts';

const BULK = 262_144;
/** At least so many times the sealing of `openssl speed` in bulk; OpenSSL without AVX-512 for kernels without it. */
const FLOORS: Readonly<Record<string, readonly [floor: number, reference: string]>> = {
  'aes-256-gcm/vaes-512': [1.3, 'openssl speed'],
  'aes-256-gcm/vaes-256': [1.2, 'openssl speed'],
  'aes-256-gcm/aesni-128': [0.6, 'openssl speed'],
  'chacha20-poly1305/avx512': [0.7, 'openssl speed'],
  'chacha20-poly1305/avx2': [0.6, 'openssl speed, AVX-512 masked'],
};

t.test('no kernel is slower than it should be', { skip: withoutAddon || withoutTools('openssl'), timeout: 600_000 }, async (t) => {
  const { figures } = measureAead({ rounds: 3 });
  const bulk = (algorithm: AeadFigures['algorithm'], name: string): number | undefined =>
    figures.find((figure) => figure.algorithm === algorithm && figure.name === name)?.seal[BULK];
  let compared = 0;
  for (const { algorithm, name, seal } of figures) {
    const [floor, reference] = FLOORS[name] ?? [];
    if (floor === undefined || reference === undefined) continue;
    const expected = bulk(algorithm, reference) ?? bulk(algorithm, 'openssl speed') ?? Infinity;
    const ratio = (seal[BULK] ?? 0) / expected;
    t.ok(ratio >= floor, `${name}: ${ratio.toFixed(2)} × ${reference}, at least ${floor}`);
    compared += 1;
  }
  t.ok(compared >= 2, `${compared} kernels`);

  const ofNode = (algorithm: AeadFigures['algorithm'], length: number): number => figures.find((figure) => figure.algorithm === algorithm && figure.name === 'node:crypto')?.seal[length] ?? Infinity;
  const batched = figures.find(({ algorithm, name }) => algorithm === 'AES_GCM' && name.endsWith('records in a call'));
  t.ok((batched?.seal[64] ?? 0) > 20 * ofNode('AES_GCM', 64), '64-byte records in batches are far ahead of node:crypto');
});
