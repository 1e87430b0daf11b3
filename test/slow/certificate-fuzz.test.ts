import t from 'tap';
import { fuzz } from '../support/pki/fuzz.ts';

const SECONDS = Number(process.env['XPS_FUZZ_SECONDS'] ?? 60);

t.test('changed certificates, CRLs and OCSP answers, for longer', async (t) => {
  const seed = Number(process.env['XPS_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
  const heapBefore = process.memoryUsage().rss;
  const { inputs, read, accepted, slowestMs, faults } = fuzz(SECONDS * 1000, seed);
  const grownMiB = (process.memoryUsage().rss - heapBefore) / 2 ** 20;
  t.comment(`seed ${seed}: ${inputs} inputs, ${read} read, ${accepted} accepted, slowest ${slowestMs.toFixed(1)} ms, ${grownMiB.toFixed(0)} MiB more`);
  t.same(faults, []);
  t.ok(read > 0);
  t.ok(grownMiB < 512, 'memory is bounded');
});
