// Published test vectors lie beside the checkout, not in it.
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const VECTORS: string = resolve(import.meta.dirname, '../../../shared/vectors');

/** For tap's `skip`: the reason when the vectors are not there, else false. */
export const withoutVectors: string | false = existsSync(VECTORS) ? false : `the test vectors are not installed at ${VECTORS}`;

/**
 * Records of `NAME: value` or `NAME = value` lines, separated by empty lines, as BoringSSL writes them. `#` begins a
 * comment, a value is hexadecimal or text, a name may stand alone, and `[name: value]` holds for all records that follow.
 */
export function readRecords(file: string): readonly ReadonlyMap<string, Uint8Array>[] {
  const records: Map<string, Uint8Array>[] = [];
  const standing = new Map<string, Uint8Array>();
  let current: Map<string, Uint8Array> | undefined;
  for (const line of readFileSync(join(VECTORS, file), 'utf8').split('\n')) {
    const match = /^(\[?)([A-Za-z]+)\s*(?:[:=]\s*(.*?))?\]?$/.exec(line);
    if (match === null) {
      current = undefined;
      continue;
    }
    const [, bracket, name, text] = match as unknown as [string, string, string, string?];
    if (bracket === '[') {
      standing.set(name, valueOf(text ?? ''));
      continue;
    }
    if (current === undefined) {
      current = new Map(standing);
      records.push(current);
    }
    current.set(name, valueOf(text ?? ''));
  }
  return records;
}

function valueOf(text: string): Uint8Array {
  const quoted = /^"(.*)"$/.exec(text);
  if (quoted !== null) return Uint8Array.from(Buffer.from(quoted[1] as string));
  return /^(?:[0-9a-fA-F]{2})*$/.test(text) ? hex(text) : Uint8Array.from(Buffer.from(text));
}

export function hex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(text, 'hex'));
}
