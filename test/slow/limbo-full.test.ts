import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';
import { declined, limboCases, runSuite } from '../support/suites.ts';
import { skipWithout } from '../support/programs.ts';
import { VECTORS, withoutVectors } from '../support/vectors.ts';

t.test('x509-limbo with all of BetterTLS', { skip: withoutVectors || skipWithout('xz') }, async (t) => {
  const json = execFileSync('xz', ['-dc', join(VECTORS, 'limbo/limbo-full.json.xz')], { encoding: 'utf8', maxBuffer: 2 ** 28 });
  const cases = limboCases(json);
  const start = performance.now();
  const { differing, slowestMs, slowest } = runSuite(cases);
  const seconds = (performance.now() - start) / 1000;
  t.same(differing.toSorted(), declined('x509-limbo').toSorted());
  t.equal(cases.filter(({ id }) => id.startsWith('bettertls::')).length, 9572);
  t.comment(`${Math.round(cases.length / seconds)} cases a second; the slowest is ${slowest}: ${slowestMs.toFixed(1)} ms`);
});
