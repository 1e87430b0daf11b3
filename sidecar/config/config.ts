// Front of this folder: reads a configuration file into a frozen, complete `Config`, or says what is wrong with it.
import { closeSync, openSync, readSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { XpsError } from '../../base/errors.ts';
import type { z } from 'zod';
import { readDocument } from './document.ts';
import { checkFiles } from './files.ts';
import { Reporter } from './mistakes.ts';
import { formatProblem, hasErrors, sortProblems, type Problem } from './problem.ts';
import { checkRules, deepFreeze } from './rules.ts';
import type { Config, TunnelConfig } from './schema.ts';
import { SECTION_NAMES, sections } from './sections.ts';
import { tunnelOf } from './tunnels.ts';

export interface LoadResult {
  /** Undefined when a problem is an error. */
  readonly config: Config | undefined;
  /** Errors and warnings in the order of the file. */
  readonly problems: readonly Problem[];
}

export const MAX_CONFIG_BYTES: number = 1024 * 1024;
/** More would only scroll the first ones away. */
const MAX_PROBLEMS = 100;

/** Reads and judges a file, and whether the files that it names can be read. Never throws. */
export function loadConfig(path: string): LoadResult {
  const file = resolve(path);
  const source = readSource(file);
  if (typeof source !== 'string') return { config: undefined, problems: [{ severity: 'error', file: path, line: 0, column: 0, ...source }] };
  return judge(source, path, file, true);
}

/** The same for text at hand; looks at no file. Relative paths are relative to the folder of `file`. */
export function parseConfig(text: string, file: string): LoadResult {
  return judge(text, file, resolve(file), false);
}

/** `loadConfig` for callers that cannot go on without: throws `config_invalid` with every error in its detail. */
export function requireConfig(path: string): Config {
  const { config, problems } = loadConfig(path);
  if (config !== undefined) return config;
  const errors = problems.filter(({ severity }) => severity === 'error').map(formatProblem);
  throw new XpsError('config_invalid', { detail: errors.join(' · ') });
}

function judge(text: string, shownFile: string, file: string, looksAtFiles: boolean): LoadResult {
  const document = readDocument(text, shownFile);
  if (document.problems.length > 0) return finish(undefined, document.problems, shownFile);
  const reporter = new Reporter(document, shownFile);
  const config = read(document.value, file, reporter);
  if (config !== undefined && looksAtFiles) checkFiles(config, reporter);
  return finish(config, reporter.problems, shownFile);
}

function finish(config: Config | undefined, found: readonly Problem[], file: string): LoadResult {
  const problems = sortProblems(found);
  if (problems.length > MAX_PROBLEMS) {
    const left = problems.length - MAX_PROBLEMS;
    problems.splice(MAX_PROBLEMS, left, { severity: 'error', file, line: 0, column: 0, what: `and ${left} more problems` });
  }
  return { config: hasErrors(found) || config === undefined ? undefined : deepFreeze(config), problems: Object.freeze(problems) };
}

/** Each section by itself, so that one mistake does not hide the others. */
function read(value: unknown, file: string, reporter: Reporter): Config | undefined {
  if (value === null) {
    reporter.error([], 'the file is empty', { expected: 'at least one tunnel', suggestion: 'see docs/OPERATIONS.md for an example' });
    return undefined;
  }
  if (typeof value !== 'object' || Array.isArray(value)) {
    reporter.error([], `the file holds ${Array.isArray(value) ? 'a list' : 'plain text'}`, { expected: 'a mapping: identity, trust, tunnels …' });
    return undefined;
  }
  const root = value as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(root)) {
    if (!(SECTION_NAMES as readonly string[]).includes(key)) reporter.unknownKey([], key, SECTION_NAMES);
  }

  const schema = sections(dirname(file));
  const section = <T>(key: string, type: z.ZodType<T>, fallback?: unknown): T | undefined =>
    key in root || fallback !== undefined ? accepted(type, key in root ? root[key] : fallback, [key], reporter) : undefined;
  const identity = section('identity', schema.identity);
  const trust = section('trust', schema.trust, {});
  const admin = section('admin', schema.admin);
  const crypto = section('crypto', schema.crypto, {});
  const log = section('log', schema.log, {});
  const meshKey = section('mesh_key', schema.mesh_key);
  const tunnels = readTunnels(root, schema, reporter);

  checkRules({ identity, hasIdentity: 'identity' in root, trust, tunnels, admin, crypto }, reporter);
  if (trust === undefined || crypto === undefined || log === undefined || tunnels.includes(undefined)) return undefined;
  return { file, identity, trust, tunnels: tunnels as TunnelConfig[], admin, crypto, log, meshKeyFile: meshKey?.file };
}

function readTunnels(
  root: Readonly<Record<string, unknown>>,
  schema: ReturnType<typeof sections>,
  reporter: Reporter,
): readonly (TunnelConfig | undefined)[] {
  const list = root['tunnels'];
  if (!Array.isArray(list) || list.length === 0) {
    const what = list === undefined ? 'is missing' : Array.isArray(list) ? 'is an empty list' : 'is not a list';
    reporter.error(['tunnels'], `tunnels ${what}`, { expected: 'a list of at least one tunnel (- name: …)' }, 'key');
    return [];
  }
  return list.map((item, index) => {
    const path = ['tunnels', index];
    const shape = accepted(schema.tunnel, item, path, reporter);
    return shape === undefined ? undefined : tunnelOf(shape, path, reporter);
  });
}

function accepted<T>(type: z.ZodType<T>, value: unknown, path: readonly (string | number)[], reporter: Reporter): T | undefined {
  const parsed = type.safeParse(value, { reportInput: true });
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) reporter.issue(path, issue);
  return undefined;
}

/** The text of the file, or what is wrong with it. Reads no more than the limit, whatever the file claims to be. */
function readSource(file: string): string | { readonly what: string; readonly expected?: string; readonly suggestion?: string } {
  const buffer = Buffer.allocUnsafe(MAX_CONFIG_BYTES + 1);
  let length = 0;
  try {
    const descriptor = openSync(file, 'r');
    try {
      for (let taken = -1; taken !== 0 && length < buffer.length; length += taken) {
        taken = readSync(descriptor, buffer, length, buffer.length - length, null);
      }
    } finally {
      closeSync(descriptor);
    }
  } catch (thrown) {
    return unreadable(thrown as NodeJS.ErrnoException);
  }
  if (length > MAX_CONFIG_BYTES) return { what: 'the file is larger than 1 MiB', expected: 'a configuration file' };
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, length));
  } catch {
    return { what: 'the file is not UTF-8 text', expected: 'a YAML file' };
  }
}

function unreadable(error: NodeJS.ErrnoException): { readonly what: string; readonly expected?: string; readonly suggestion?: string } {
  switch (error.code) {
    case 'ENOENT':
      return { what: 'the file does not exist', suggestion: 'name the configuration with -c FILE' };
    case 'EISDIR':
      return { what: 'this is a folder', expected: 'a YAML file' };
    case 'EACCES':
      return { what: 'the file may not be read by this user', suggestion: 'check its owner and mode' };
    default:
      return { what: `the file cannot be read: ${error.message}` };
  }
}
