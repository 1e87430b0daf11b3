/** What bodies of messages have in common: docs/PROTOCOL.md §1.2, §4.3, §4.5. */
import { Reader, Writer } from './bytes.ts';
import { demand, type Bytes } from './vocabulary.ts';

export const TICKET_EXTENSION = 0x0001;

/** Runs a decoder over a whole body (§1.2). */
export function decode<T>(name: string, body: Bytes, read: (reader: Reader) => T): T {
  const reader = new Reader(body);
  const value = read(reader);
  reader.end(name);
  return value;
}

/** Confirm, Failure, Retire. */
export function decodeEmpty(body: Bytes): void {
  demand(body.length === 0, 'malformed', 'a body that must be empty');
}

export function readChoice(reader: Reader, field: string, max: number): number {
  const value = reader.u8(field);
  demand(value <= max, 'malformed', field);
  return value;
}

// Lists and extensions, §4.3 and §4.5

export function encodeList(values: readonly number[]): Bytes {
  const writer = new Writer();
  for (const value of values) writer.u16(value);
  return writer.finish();
}

export function readList(reader: Reader, field: string): number[] {
  const bytes = reader.vector8(field, 2, 64);
  const entries = new Reader(bytes);
  const values: number[] = [];
  while (entries.remaining > 0) values.push(entries.u16(field));
  demand(new Set(values).size === values.length, 'list_repeats', field);
  return values;
}

export interface Extension {
  readonly type: number;
  readonly body: Bytes;
}

export function encodeExtensions(extensions: readonly Extension[]): Bytes {
  const writer = new Writer();
  for (const { type, body } of extensions) writer.u16(type).vector16(body);
  return writer.finish();
}

/** `known` are the types that this list may hold. */
export function readExtensions(reader: Reader, max: number, known: readonly number[] = []): Extension[] {
  const entries = new Reader(reader.vector16('extensions', 0, max));
  const found: Extension[] = [];
  let last = -1;
  while (entries.remaining > 0) {
    const type = entries.u16('extension type');
    demand(type > last, 'extension_order');
    last = type;
    const body = entries.vector16('extension body', 0, 1024);
    const isKnown = known.includes(type);
    demand(isKnown || type < 0x8000, 'extension_critical', `type ${type}`);
    demand(isKnown || type !== TICKET_EXTENSION, 'extension_misplaced');
    found.push({ type, body });
  }
  return found;
}
