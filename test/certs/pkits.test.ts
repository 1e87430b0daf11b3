import t from 'tap';
import { declined, pkitsCases, runSuite } from '../support/suites.ts';
import { withoutVectors } from '../support/vectors.ts';

t.test('NIST PKITS: only DSA is declined', { skip: withoutVectors }, async (t) => {
  const cases = pkitsCases();
  const { agreed, differing } = runSuite(cases);
  t.same(differing, declined('NIST PKITS'));
  t.equal(cases.length, 249);
  t.equal(agreed, 247);
});
