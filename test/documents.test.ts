// Documents that say something else than the code are worse than none.
import t from 'tap';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { operationsWithErrorCodes } from '../docs/error-codes.ts';

const ROOT = resolve(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const documents = globSync(['*.md', 'docs/**/*.md'], { cwd: ROOT });

t.test('every reason has its heading in docs/OPERATIONS.md', async (t) => {
  t.equal(read('docs/OPERATIONS.md'), operationsWithErrorCodes(), 'run: node docs/error-codes.ts');
});

t.test('every package has a line in docs/DEPENDENCIES.md', async (t) => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<'dependencies' | 'devDependencies', Record<string, string>>;
  const text = read('docs/DEPENDENCIES.md');
  const names = [...Object.keys(dependencies), ...Object.keys(devDependencies)].filter((name) => !name.startsWith('@types/'));
  t.same(names.filter((name) => !text.includes(`\`${name}\``)), []);
});

t.test('links between documents lead somewhere', async (t) => {
  t.ok(documents.length > 8);
  const broken = documents.flatMap((document) =>
    [...read(document).matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)]
      .map(([, target]) => target as string)
      .filter((target) => !existsSync(resolve(ROOT, dirname(document), target)))
      .map((target) => `${document} -> ${target}`),
  );
  t.same(broken, []);
});

t.test('commands in the operations manual exist', async (t) => {
  const commands = [...read('docs/OPERATIONS.md').matchAll(/^\| `xpscerpto ([a-z]+)/gm)].map(([, name]) => name as string);
  const registered = [...read('sidecar/cli/main.ts').matchAll(/name: '([a-z]+)'/g)].map(([, name]) => name as string);
  t.same(commands.toSorted(), registered.toSorted());
});
