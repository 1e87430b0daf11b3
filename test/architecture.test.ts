// The layout shows the architecture only as long as nobody imports across it. The table itself is in ARCHITECTURE.md.
import t from 'tap';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');

/** Which of our folders a folder may import, besides itself: the table of ARCHITECTURE.md. */
const MAY_IMPORT: ReadonlyMap<string, readonly string[]> = new Map(
  [...readFileSync(join(ROOT, 'ARCHITECTURE.md'), 'utf8').matchAll(/^\| ([a-z]+) \| ([a-z, ]*)\|$/gm)]
    .filter(([, folder]) => folder !== 'folder')
    .map(([, folder, list]) => [folder as string, (list as string).split(',').map((name) => name.trim()).filter((name) => name !== '')]),
);

/** Modules that only some places may use: the reason for a border is that a reader of the rest need not think of it. */
const RESERVED: readonly { readonly what: RegExp; readonly only: readonly RegExp[] }[] = [
  { what: /^(?:node:crypto|crypto|@noble\/.*)$/, only: [/^engines\//] },
  { what: /^node:(?:net|tls|http|https|http2|dgram|dns|dns\/promises)$/, only: [/^sidecar\//, /^bench\//, /^certs\/[a-z-]*(?:fetch|http)[a-z-]*\.ts$/, /^certs\/ca\/ocsp-responder\.ts$/] },
  { what: /^@grpc\/grpc-js$/, only: [/^certs\/[a-z-]*workload[a-z-]*\.ts$/] },
  { what: /^ws$/, only: [/^sidecar\/transports\//, /^bench\//] },
  { what: /^(?:@peculiar\/x509|pkijs|asn1js|reflect-metadata)$/, only: [/^certs\//] },
  { what: /^commander$/, only: [/^sidecar\/cli\//] },
  { what: /^pino$/, only: [/^sidecar\/log/] },
  { what: /^(?:zod|yaml)$/, only: [/^sidecar\/config\//] },
];

/** Judging the text of an address is no network I/O. */
const IS_NO_IO = /import \{ (?:isIP(?:v[46])?(?:, )?)+ \} from 'node:net'/;

const FORBIDDEN_NAMES = /(?:^|\/)(?:index|(?:.*-)?(?:utils?|helpers?|manager|misc|common))\.ts$/;

interface Import {
  readonly file: string;
  readonly statement: string;
  readonly specifier: string;
}

function importsOf(file: string): readonly Import[] {
  const source = readFileSync(join(ROOT, file), 'utf8');
  const found = source.matchAll(/(?:^|\n|;)\s*(?:import|export)\s[^;'"]*?from\s*'([^']+)'|\bimport\(\s*'([^']+)'|(?:^|\n)import\s+'([^']+)'/g);
  return [...found].map((match) => ({ file, statement: match[0], specifier: (match[1] ?? match[2] ?? match[3]) as string }));
}

const sources = globSync([...MAY_IMPORT.keys()].map((folder) => `${folder}/**/*.ts`), { cwd: ROOT }).map((file) => normalize(file));
const imports = sources.flatMap(importsOf);

t.test('the scan sees the sources and their imports', async (t) => {
  t.same(MAY_IMPORT.get('record'), ['base', 'engines'], 'the table was read');
  t.equal(MAY_IMPORT.size, 10);
  t.ok(sources.length > 80, `${sources.length} files`);
  t.ok(imports.length > 300, `${imports.length} imports`);
  t.ok(imports.some(({ specifier }) => specifier === 'node:crypto'), 'node:crypto is found where it belongs');
});

t.test('folders import only what the table permits', async (t) => {
  const wrong = imports.filter(({ file, specifier }) => {
    if (!specifier.startsWith('.')) return false;
    const from = file.split('/')[0] as string;
    const to = join(dirname(file), specifier).split('/')[0] as string;
    return to !== from && MAY_IMPORT.get(from)?.includes(to) !== true;
  });
  t.same(wrong, []);
});

t.test('reserved modules are imported only where they belong', async (t) => {
  const wrong = imports.filter(({ file, specifier, statement }) =>
    !IS_NO_IO.test(statement) && RESERVED.some(({ what, only }) => what.test(specifier) && !only.some((place) => place.test(file))),
  );
  t.same(wrong, []);
});

t.test('every package that is imported is a declared dependency', async (t) => {
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { dependencies: Record<string, string> };
  const packages = imports
    .filter(({ specifier }) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
    .map(({ specifier }) => specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/'));
  t.same([...new Set(packages)].filter((name) => !(name in dependencies)), []);
  t.same(Object.values(dependencies).filter((version) => !/^\d/.test(version)), [], 'versions are exact');
});

t.test('imports carry their file ending', async (t) => {
  t.same(imports.filter(({ specifier }) => specifier.startsWith('.') && !/\.(?:ts|json)$/.test(specifier)), []);
});

t.test('no file has a name that says nothing', async (t) => {
  t.same(sources.filter((file) => FORBIDDEN_NAMES.test(file)), []);
});

t.test('the second implementation shares nothing with the first', async (t) => {
  const twin = globSync('test/reference/**/*.ts', { cwd: ROOT }).flatMap((file) => importsOf(normalize(file)));
  const ours = twin.filter(({ file, specifier }) => specifier.startsWith('.') && !join(dirname(file), specifier).startsWith('test/reference/'));
  t.ok(twin.length > 20);
  t.same(ours, []);
});
