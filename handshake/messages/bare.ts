import { Reader, Writer, type Bytes } from '../../base/bytes.ts';
import { makeMessage, type Message } from './message.ts';

const EMPTY = new Uint8Array(0);

/** Messages without a body: Confirm, Failure, Retire. */
export function encodeBare(type: number): Message {
  return makeMessage(type, EMPTY);
}

export function decodeBare(body: Bytes, name: string): void {
  new Reader(body).end(name);
}

/** Messages that are one number: RekeyWish and RekeyDone (docs/PROTOCOL.md §9.2). */
export function encodeGeneration(type: number, generation: number): Message {
  return makeMessage(type, new Writer().u32(generation).finish());
}

export function decodeGeneration(body: Bytes, name: string): number {
  const reader = new Reader(body);
  const generation = reader.u32('generation');
  reader.end(name);
  return generation;
}
