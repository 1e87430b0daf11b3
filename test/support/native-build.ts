// Compiles C++ test programs together with the addon's sources, with the flags that binding.gyp gives to each of them.
import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';

const ROOT = resolve(import.meta.dirname, '../..');
const CACHE = join(ROOT, '.cache', 'native-tests');
const run = promisify(execFile);

export interface NativeProgram {
  /** The file with `main`, relative to the root; more may follow. */
  readonly sources: readonly string[];
  readonly compiler?: string;
  /** For every file, kernels too: sanitizers, definitions. */
  readonly flags?: readonly string[];
  readonly linkFlags?: readonly string[];
  readonly arch?: 'x64' | 'arm64';
}

/** For tap's `skip`: the first of the tools that is not installed, or false. */
export function withoutTools(...tools: readonly string[]): string | false {
  const missing = tools.find((tool) => spawnSync(tool, ['--version'], { stdio: 'ignore' }).error !== undefined);
  return missing === undefined ? false : `${missing} is not installed`;
}

/** The path of the program. Compiled once for each state of the sources and flags; programs share the addon's objects. */
export async function buildNative(program: NativeProgram): Promise<string> {
  const { compiler = 'g++', flags = [], linkFlags = [], arch = process.arch === 'arm64' ? 'arm64' : 'x64' } = program;
  const { common, ownFlags } = readGyp(arch);
  const objectFolder = join(CACHE, keyOf(addonSources(), [compiler, ...flags, arch]));
  const folder = join(objectFolder, keyOf(program.sources, linkFlags));
  const output = join(folder, basename(program.sources[0] as string, '.cc'));
  if (existsSync(output)) return output;
  mkdirSync(folder, { recursive: true });

  const objectOf = (file: string): string => join(ownFlags.has(file) ? objectFolder : folder, `${file.replaceAll('/', '_')}.o`);
  const files = [...ownFlags.keys(), ...program.sources];
  const waiting = files.filter((file) => !existsSync(objectOf(file)));
  const compile = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      await made(compiler, [...common, ...(ownFlags.get(file) ?? []), ...flags, '-c', join(ROOT, file)], objectOf(file));
    }
  };
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, compile));
  await made(compiler, [...files.map(objectOf), ...flags, ...linkFlags, '-pthread'], output);
  return output;
}

/** Under another name until it is whole: two test files may want it at the same time. */
async function made(compiler: string, words: readonly string[], output: string): Promise<void> {
  const unfinished = `${output}.${process.pid}`;
  await run(compiler, [...words, '-o', unfinished], { maxBuffer: 1 << 26 });
  renameSync(unfinished, output);
}

function addonSources(): readonly string[] {
  return ['binding.gyp', ...globSync(['record/native/*.{h,cc}', 'record/native/{kernels,dispatch}/*.{h,cc}'], { cwd: ROOT }).toSorted()];
}

function keyOf(files: readonly string[], words: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify(words));
  for (const file of files) hash.update(file).update(readFileSync(join(ROOT, file)));
  return hash.digest('hex').slice(0, 16);
}

interface Gyp {
  readonly variables: { readonly core_sources: readonly string[] };
  readonly target_defaults: { readonly cflags: readonly string[]; readonly cflags_cc: readonly string[] };
  readonly targets: readonly GypTarget[];
  readonly conditions: readonly (readonly [string, { readonly targets: readonly GypTarget[] }])[];
}

interface GypTarget {
  readonly target_name: string;
  readonly sources: readonly string[];
  readonly cflags_cc?: readonly string[];
}

/** What every file is compiled with, and what each file of the core and of the kernels gets besides. */
function readGyp(arch: string): { readonly common: readonly string[]; readonly ownFlags: ReadonlyMap<string, readonly string[]> } {
  const gyp = parseGyp(readFileSync(join(ROOT, 'binding.gyp'), 'utf8'));
  const targets = [...gyp.targets, ...gyp.conditions.filter(([condition]) => condition.includes(`"${arch}"`)).flatMap(([, { targets }]) => targets)];
  const ownFlags = new Map<string, readonly string[]>(gyp.variables.core_sources.map((source) => [source, []]));
  for (const { target_name, sources, cflags_cc } of targets) {
    if (target_name.startsWith('kernels_')) for (const source of sources) ownFlags.set(source, cflags_cc ?? []);
  }
  return { common: [...gyp.target_defaults.cflags, ...gyp.target_defaults.cflags_cc], ownFlags };
}

/** A gyp file is a Python literal: comments, single quotes, and commas before closing brackets are what JSON has not. */
function parseGyp(text: string): Gyp {
  const json = text
    .replaceAll(/^\s*#.*$/gm, '')
    .replaceAll(/'([^']*)'/g, (_, quoted: string) => JSON.stringify(quoted))
    .replaceAll(/,(\s*[\]}])/g, '$1');
  return JSON.parse(json) as Gyp;
}
