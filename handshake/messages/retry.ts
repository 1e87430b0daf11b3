import { Reader, Writer, type Bytes } from '../../base/bytes.ts';
import { MESSAGE } from '../codepoints.ts';
import { makeMessage, type Message } from './message.ts';

/** docs/PROTOCOL.md §6.3. */
export function encodeRetry(cookie: Bytes): Message {
  return makeMessage(MESSAGE.retry, new Writer().vector8(cookie).finish());
}

export function decodeRetry(body: Bytes): Bytes {
  const reader = new Reader(body);
  const cookie = reader.vector8('cookie', 1, 64);
  reader.end('Retry');
  return cookie;
}
