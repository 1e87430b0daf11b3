import { Reader, type Bytes } from '../../base/bytes.ts';
import { MESSAGE } from '../codepoints.ts';
import { makeMessage, type Message } from './message.ts';

export const VERIFY_DATA_LENGTH = 48;

/** docs/PROTOCOL.md §6.7. */
export function encodeFinished(verifyData: Bytes): Message {
  return makeMessage(MESSAGE.finished, verifyData);
}

export function decodeFinished(body: Bytes): Bytes {
  const reader = new Reader(body);
  const verifyData = reader.bytes(VERIFY_DATA_LENGTH, 'verify_data');
  reader.end('Finished');
  return verifyData;
}
