import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bytes } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';
import { fileError, readBounded } from './trust-bundles.ts';
import { readPem } from './pem.ts';

/** Beyond this a CA should partition its CRLs (RFC 5280 §5.2.5). */
export const MAX_CRL_BYTES: number = 64 * 1024 * 1024;
const MAX_FILES = 4096;

export interface CrlFile {
  readonly file: string;
  /** DER, one for each CRL in the file. */
  readonly crls: readonly Bytes[];
}

/** The files behind the paths of `trust.revocation.crl`: files as named, folders with all that is in them but hidden files. */
export async function listCrlFiles(paths: readonly string[]): Promise<readonly string[]> {
  const files: string[] = [];
  for (const path of paths) {
    const found = await stat(path).catch((thrown: unknown) => {
      throw fileError('crl_invalid', path, thrown);
    });
    if (!found.isDirectory()) files.push(path);
    else files.push(...(await filesIn(path)));
  }
  if (files.length > MAX_FILES) throw new XpsError('crl_invalid', { detail: `more than ${MAX_FILES} files of CRLs` });
  return files;
}

async function filesIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch((thrown: unknown) => {
    throw fileError('crl_invalid', folder, thrown);
  });
  const files: string[] = [];
  // Kubernetes keeps the versions of a mounted volume in hidden folders beside the links to them.
  for (const name of names.filter((entry) => !entry.startsWith('.')).toSorted()) {
    const file = join(folder, name);
    if ((await stat(file).catch(() => undefined))?.isDirectory() !== true) files.push(file);
  }
  return files;
}

/** PEM with any number of CRLs, or one in DER. Throws `crl_invalid` with the name of the file. */
export async function readCrlFile(file: string): Promise<CrlFile> {
  const bytes = await readBounded(file, MAX_CRL_BYTES, 'crl_invalid');
  try {
    return { file, crls: crlBlocks(bytes) };
  } catch (thrown) {
    throw fileError('crl_invalid', file, thrown);
  }
}

/** DER begins with a SEQUENCE; everything else is read as PEM. */
export function crlBlocks(bytes: Bytes): readonly Bytes[] {
  if (bytes[0] === 0x30) return [bytes];
  const blocks = readPem(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1'), ['X509 CRL']);
  if (blocks.length === 0) throw new XpsError('crl_invalid', { detail: 'it holds no CRL' });
  return blocks.map(({ der }) => der);
}
