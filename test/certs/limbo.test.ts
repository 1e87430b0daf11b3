import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { declined, limboCases, runSuite } from '../support/suites.ts';
import { VECTORS, withoutVectors } from '../support/vectors.ts';

t.test('x509-limbo: only the published cases are answered otherwise', { skip: withoutVectors }, async (t) => {
  const cases = limboCases(readFileSync(join(VECTORS, 'limbo/limbo-nobtls.json'), 'utf8'));
  const { agreed, differing, slowestMs, slowest } = runSuite(cases);
  t.same(differing.toSorted(), declined('x509-limbo').toSorted());
  t.equal(cases.length, 208);
  t.equal(agreed, 186);
  t.comment(`the slowest is ${slowest}: ${slowestMs.toFixed(1)} ms`);
});
