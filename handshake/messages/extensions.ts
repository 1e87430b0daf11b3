import { Reader, Writer, type Bytes } from '../../base/bytes.ts';
import { XpsError } from '../../base/errors.ts';

export type Extensions = ReadonlyMap<number, Bytes>;

const CRITICAL_BIT = 0x8000;
const MAX_BODY_LENGTH = 1024;

/**
 * docs/PROTOCOL.md §4.5. Types in `known` are returned; an unknown critical one is fatal, another is
 * skipped.
 */
export function readExtensions(bytes: Bytes, known: readonly number[] = []): Extensions {
  const reader = new Reader(bytes);
  const found = new Map<number, Bytes>();
  let previous = -1;
  while (reader.remaining > 0) {
    const type = reader.u16('extension type');
    const body = reader.vector16('extension', 0, MAX_BODY_LENGTH);
    if (type <= previous) throw new XpsError('malformed', { detail: 'extensions are out of order' });
    previous = type;
    if (known.includes(type)) found.set(type, body);
    else if ((type & CRITICAL_BIT) !== 0) {
      throw new XpsError('malformed', { detail: `unknown critical extension ${type}` });
    }
  }
  return found;
}

export function writeExtensions(extensions: Extensions): Bytes {
  const writer = new Writer();
  for (const [type, body] of [...extensions].sort(([a], [b]) => a - b)) writer.u16(type).vector16(body);
  return writer.finish();
}
