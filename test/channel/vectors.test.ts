// The implementation says and derives exactly what docs/vectors has.
import t from 'tap';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { crypto } from '../support/test-crypto.ts';
import { makeVector, type VectorFile } from '../support/vectors/run.ts';
import { SCENARIOS } from '../support/vectors/scenarios.ts';

const FOLDER = resolve(import.meta.dirname, '../../docs/vectors');

t.test('there is a file for each kind of connection, and no other', async (t) => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.json')).toSorted();
  t.same(files, SCENARIOS.map(({ name }) => `${name}.json`).toSorted());
});

for (const scenario of SCENARIOS) {
  t.test(scenario.name, async (t) => {
    const published = JSON.parse(readFileSync(join(FOLDER, `${scenario.name}.json`), 'utf8')) as VectorFile;
    const made = JSON.parse(JSON.stringify(makeVector(scenario, crypto))) as VectorFile;
    for (const [index, connection] of made.connections.entries()) {
      const expected = published.connections[index];
      t.same(connection.inputs, expected?.inputs, 'inputs');
      t.same(connection.messages, expected?.messages, 'messages');
      t.same(connection.secrets, expected?.secrets, 'secrets');
      t.same(connection.records, expected?.records, 'records');
    }
    t.equal(made.connections.length, published.connections.length);
  });
}
