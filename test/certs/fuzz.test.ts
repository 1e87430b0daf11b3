import t from 'tap';
import { fuzz } from '../support/pki/fuzz.ts';

t.test('changed certificates, CRLs and OCSP answers are read or refused, nothing else', async (t) => {
  const seed = Number(process.env['XPS_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
  const { inputs, read, slowestMs, faults } = fuzz(3000, seed);
  t.comment(`seed ${seed}: ${inputs} inputs, ${read} read, slowest ${slowestMs.toFixed(1)} ms; repeat with XPS_FUZZ_SEED=${seed}`);
  t.same(faults, []);
  t.ok(inputs > 100);
  t.ok(read > 0, 'some changes are harmless and reach the validator');
});
