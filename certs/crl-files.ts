import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { toHex } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';
import type { Crypto } from '../engines/contract.ts';
import type { Crl } from './crl.ts';
import { readCrls } from './crl-parsing.ts';
import type { StoredCrl } from './crl-store.ts';
import { fileError, readBounded } from './trust-bundles.ts';

/** Beyond this a CA should partition its CRLs (RFC 5280 §5.2.5). */
export const MAX_CRL_BYTES: number = 64 * 1024 * 1024;
const MAX_FILES = 4096;

/**
 * Reads CRLs of files and folders again and again. A file whose content is the same as last time is not parsed again.
 */
export class CrlFiles {
  readonly #crypto: Crypto;
  readonly #parsed = new Map<string, { readonly digest: string; readonly crls: readonly Crl[] }>();

  constructor(crypto: Crypto) {
    this.#crypto = crypto;
  }

  /** Everything that can be used, and an error for each file that cannot. */
  async read(paths: readonly string[]): Promise<{ readonly found: readonly StoredCrl[]; readonly failures: readonly XpsError[] }> {
    const found: StoredCrl[] = [];
    const failures: XpsError[] = [];
    const seen = new Set<string>();
    for (const path of paths) {
      try {
        for (const file of await filesBehind(path)) {
          seen.add(file);
          try {
            for (const crl of await this.#readFile(file)) found.push({ crl, source: file });
          } catch (thrown) {
            failures.push(fileError('crl_invalid', file, thrown));
          }
        }
      } catch (thrown) {
        failures.push(fileError('crl_invalid', path, thrown));
      }
    }
    for (const file of this.#parsed.keys()) if (!seen.has(file)) this.#parsed.delete(file);
    return { found, failures };
  }

  async #readFile(file: string): Promise<readonly Crl[]> {
    const bytes = await readBounded(file, MAX_CRL_BYTES, 'crl_invalid');
    const digest = toHex(this.#crypto.hash.hash('sha256', bytes));
    const known = this.#parsed.get(file);
    if (known?.digest === digest) return known.crls;
    const crls = await readCrls(bytes);
    this.#parsed.set(file, { digest, crls });
    return crls;
  }
}

/** The file itself, or what is in the folder but hidden files and folders. */
async function filesBehind(path: string): Promise<readonly string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const files: string[] = [];
  // Kubernetes keeps the versions of a mounted volume in hidden folders beside the links to them.
  for (const name of (await readdir(path)).filter((entry) => !entry.startsWith('.')).toSorted()) {
    const file = join(path, name);
    if ((await stat(file).catch(() => undefined))?.isDirectory() !== true) files.push(file);
    if (files.length > MAX_FILES) throw new XpsError('crl_invalid', { detail: `more than ${MAX_FILES} files` });
  }
  return files;
}
