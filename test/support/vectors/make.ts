// Writes docs/vectors anew: `node test/support/vectors/make.ts`. Only after a deliberate change of the protocol.
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { crypto } from '../test-crypto.ts';
import { allVectors } from './run.ts';

const FOLDER = resolve(import.meta.dirname, '../../../docs/vectors');

for (const vector of allVectors(crypto)) {
  writeFileSync(join(FOLDER, `${vector.name}.json`), `${JSON.stringify(vector, undefined, 2)}\n`);
}
