import { readFile } from 'node:fs/promises';
import { XpsError } from '../../base/errors.ts';

const CAUSES: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
};

/** A file that was named on the command line. Rejects with `file_unreadable`, which says why in words. */
export async function readInput(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    const { code = '', message } = cause as NodeJS.ErrnoException;
    throw new XpsError('file_unreadable', { detail: `${file}: ${CAUSES[code] ?? message}`, cause });
  }
}
