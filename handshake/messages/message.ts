import { Reader, Writer, type Bytes } from '../../base/bytes.ts';
import { XpsError } from '../../base/errors.ts';

export const MESSAGE_HEADER_LENGTH = 4;

/** One whole message: docs/PROTOCOL.md §3.1. `whole` is header and body, as the transcript takes it. */
export interface Message {
  readonly type: number;
  readonly body: Bytes;
  readonly whole: Bytes;
}

export function makeMessage(type: number, body: Bytes): Message {
  const whole = new Writer(MESSAGE_HEADER_LENGTH + body.length).u8(type).vector24(body).finish();
  return { type, body: whole.subarray(MESSAGE_HEADER_LENGTH), whole };
}

export function parseMessage(whole: Bytes): Message {
  const reader = new Reader(whole);
  const type = reader.u8('message type');
  const body = reader.vector24('message', 0, 0xff_ffff);
  reader.end('message');
  return { type, body, whole };
}

/** A list of u16 without repetition (docs/PROTOCOL.md §4.3). */
export function readList(bytes: Bytes, field: string): readonly number[] {
  const reader = new Reader(bytes);
  const entries: number[] = [];
  while (reader.remaining > 0) entries.push(reader.u16(field));
  if (new Set(entries).size !== entries.length) {
    throw new XpsError('malformed', { detail: `${field}: an entry stands twice` });
  }
  return entries;
}

export function writeList(entries: readonly number[]): Bytes {
  const writer = new Writer();
  for (const entry of entries) writer.u16(entry);
  return writer.finish();
}

export function requireZeros(bytes: Bytes, field: string): void {
  if (bytes.some((byte) => byte !== 0)) throw new XpsError('malformed', { detail: `${field} is not zero` });
}
