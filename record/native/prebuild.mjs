// Prepares platform packages: `npm run addon:prebuild [x64|arm64 …]`. Each is built from a copy of the sources, stripped, and laid into
// prebuilds/<platform>-<arch>/ with a package.json and its digest, ready for `npm publish`. Another architecture than this
// machine's takes a cross-compiler (aarch64-linux-gnu-g++ or x86_64-linux-gnu-g++).
//
// A prebuilt binary found there, or installed as a package of that name, is loaded where none was built in place, and the install
// script then builds none.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..', '..');
const PREFIXES = { x64: 'x86_64-linux-gnu-', arm64: 'aarch64-linux-gnu-' };
const { name, version, license } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

const architectures = process.argv.slice(2);
for (const arch of architectures.length > 0 ? architectures : [process.arch]) prepare(arch);

function prepare(arch) {
  const prefix = PREFIXES[arch];
  if (prefix === undefined) fail(`there is no addon for ${arch}; there is for ${Object.keys(PREFIXES).join(', ')}`);
  const platform = `linux-${arch}`;
  const folder = join(ROOT, 'prebuilds', platform);
  const output = join(folder, 'xpscerpto.node');
  mkdirSync(folder, { recursive: true });
  cpSync(build(arch, prefix), output);
  run(`${prefix}strip`, ['--strip-unneeded', output], ROOT);

  const digest = createHash('sha256').update(readFileSync(output)).digest('hex');
  const description = { name: `${name}-${platform}`, version, license, description: `The native addon of ${name} for ${platform}`, os: ['linux'], cpu: [arch], libc: ['glibc'], files: ['xpscerpto.node', 'xpscerpto.node.sha256'] };
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(description, undefined, 2)}\n`);
  writeFileSync(`${output}.sha256`, `${digest}  xpscerpto.node\n`);
  process.stdout.write(`prebuilds/${platform}/xpscerpto.node  ${digest}\n`);
}

/** In a copy: build/ in the checkout belongs to this machine's own addon. */
function build(arch, prefix) {
  const copy = join(ROOT, '.cache', 'prebuild', arch);
  rmSync(copy, { recursive: true, force: true });
  for (const source of ['binding.gyp', 'package.json', join('record', 'native')]) cpSync(join(ROOT, source), join(copy, source), { recursive: true });
  const tools = { CC: `${prefix}gcc`, CXX: `${prefix}g++`, LINK: `${prefix}g++`, AR: `${prefix}ar` };
  const headers = resolve(dirname(process.execPath), '..');
  const where = existsSync(join(headers, 'include', 'node', 'node_api.h')) ? [`--nodedir=${headers}`] : [];
  const gyp = process.env.npm_config_node_gyp;
  const [program, ...first] = gyp === undefined ? ['node-gyp'] : [process.execPath, gyp];
  run(program, [...first, 'rebuild', `--arch=${arch}`, '--loglevel=error', ...where], copy, tools);
  return join(copy, 'build', 'Release', 'xpscerpto.node');
}

function run(program, words, cwd, environment = {}) {
  const { status, error, stdout, stderr } = spawnSync(program, words, { cwd, encoding: 'utf8', env: { ...process.env, ...environment }, maxBuffer: 64 * 1024 * 1024 });
  if (status === 0) return;
  process.stderr.write(`${stdout ?? ''}${stderr ?? ''}`);
  fail(error === undefined ? `${program} failed` : `${program} is not installed: ${error.message}`);
}

function fail(message) {
  process.stderr.write(`prebuild: ${message}\n`);
  process.exit(1);
}
