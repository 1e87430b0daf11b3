// The install script of the package: builds the addon from source. Where that is not possible the product works without it
// (OpenSSL through node:crypto), so a failure is one clear warning and not an error.
//
// Plain JavaScript: it has to run on a Node.js that is too old for everything else, to say so.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname ?? '.', '..', '..');

if (process.env.XPS_SKIP_ADDON === '1') {
  warn('XPS_SKIP_ADDON is set');
} else if (!hasPrebuilt()) {
  const reason = build();
  if (reason !== undefined) {
    // A half-built or outdated addon must not be loaded.
    rmSync(join(ROOT, 'build', 'Release', 'xpscerpto.node'), { force: true });
    warn(reason);
  }
}

/** Prepared by prebuild.mjs; loaded where nothing was built. */
function hasPrebuilt() {
  const platform = `${process.platform}-${process.arch}`;
  return [['prebuilds', platform], ['node_modules', `xpscerpto-sidecar-${platform}`]].some((place) => existsSync(join(ROOT, ...place, 'xpscerpto.node')));
}

/** Why it could not be built; undefined when it was. */
function build() {
  if (process.platform !== 'linux') return `there is no addon for ${process.platform}`;
  if (!['x64', 'arm64'].includes(process.arch)) return `there is no addon for ${process.arch}`;
  for (const tool of ['make', process.env.CXX ?? 'g++']) {
    if (spawnSync(tool, ['--version'], { stdio: 'ignore' }).status !== 0) return `${tool} is not installed`;
  }
  const gyp = process.env.npm_config_node_gyp;
  const command = gyp === undefined ? ['node-gyp'] : [process.execPath, gyp];
  const headers = resolve(dirname(process.execPath), '..');
  const found = existsSync(join(headers, 'include', 'node', 'node_api.h')) ? [`--nodedir=${headers}`] : [];
  // Not `rebuild`: that would take away the addon from programs that are about to load it.
  for (const step of [['configure'], ['build', `--jobs=${availableParallelism()}`]]) {
    const [program, ...first] = command;
    const run = spawnSync(program, [...first, ...step, '--loglevel=error', ...found], {
      cwd: ROOT,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    if (run.error !== undefined) return `node-gyp did not start: ${run.error.message}`;
    if (run.status !== 0) {
      process.stderr.write(`${run.stdout}${run.stderr}`);
      return 'the compiler or node-gyp reported the errors above';
    }
  }
  return undefined;
}

function warn(reason) {
  process.stderr.write(
    `xpscerpto: the native addon was not built (${reason}).\n` +
      'Everything works without it, more slowly. To build it: install g++ (10 or later), make and python3, then run `npm run install`.\n',
  );
}
