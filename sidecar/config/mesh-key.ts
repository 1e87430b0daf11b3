import { readFileSync } from 'node:fs';
import { XpsError } from '../../base/errors.ts';
import { Secret } from '../../base/secret.ts';

const MIN_BYTES = 32;
const MAX_FILE_BYTES = 4096;

/**
 * The mesh key (docs/PROTOCOL.md §5.2) in `file`: hex or base64, at least 32 bytes, white space ignored.
 * Throws `file_unreadable` or `key_invalid`; no detail ever holds what the file holds.
 */
export function readMeshKey(file: string): Secret {
  let content: Buffer;
  try {
    content = readFileSync(file);
  } catch (thrown) {
    throw new XpsError('file_unreadable', { detail: `mesh key ${file}: ${(thrown as Error).message}`, cause: thrown });
  }
  try {
    if (content.length > MAX_FILE_BYTES) throw invalid(file, `the file is larger than ${MAX_FILE_BYTES} bytes`);
    const text = content.toString('latin1').replaceAll(/\s+/g, '');
    const bytes = decoded(text);
    if (bytes === undefined) throw invalid(file, 'it is neither hexadecimal nor base64');
    if (bytes.length < MIN_BYTES) throw invalid(file, `it has ${bytes.length} bytes, at least ${MIN_BYTES} are needed`);
    return new Secret(bytes);
  } finally {
    content.fill(0);
  }
}

/** Hexadecimal first: 64 hex digits are also valid base64, and nobody means that. */
function decoded(text: string): Uint8Array | undefined {
  if (text.length % 2 === 0 && /^[0-9a-fA-F]+$/.test(text)) return Uint8Array.from(Buffer.from(text, 'hex'));
  if (/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return Uint8Array.from(Buffer.from(text, 'base64'));
  return undefined;
}

function invalid(file: string, problem: string): XpsError {
  return new XpsError('key_invalid', { detail: `mesh key ${file}: ${problem}` });
}
