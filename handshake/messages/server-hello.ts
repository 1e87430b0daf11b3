import { Reader, Writer, type Bytes } from '../../base/bytes.ts';
import { XpsError } from '../../base/errors.ts';
import { MESSAGE, PROTOCOL_VERSION } from '../codepoints.ts';
import { readExtensions, writeExtensions, type Extensions } from './extensions.ts';
import { makeMessage, type Message } from './message.ts';

/** docs/PROTOCOL.md §6.4. */
export interface ServerHello {
  readonly random: Bytes;
  readonly suite: number;
  readonly answer: Bytes;
  readonly recordLimit: number;
  readonly isResumed: boolean;
}

export function encodeServerHello(hello: ServerHello, extensions: Extensions): Message {
  const body = new Writer()
    .u8(PROTOCOL_VERSION)
    .bytes(hello.random)
    .u16(hello.suite)
    .vector16(hello.answer)
    .u32(hello.recordLimit)
    .u8(hello.isResumed ? 1 : 0)
    .vector16(writeExtensions(extensions))
    .finish();
  return makeMessage(MESSAGE.serverHello, body);
}

export function decodeServerHello(body: Bytes): ServerHello {
  const reader = new Reader(body);
  const version = reader.u8('version');
  if (version !== PROTOCOL_VERSION) {
    throw new XpsError('version_unsupported', { detail: `version ${version}, we speak ${PROTOCOL_VERSION}` });
  }
  const random = reader.bytes(32, 'random');
  const suite = reader.u16('suite');
  const answer = reader.vector16('answer', 32, 1120);
  const recordLimit = reader.u32('record limit');
  const resumed = reader.u8('resumed');
  if (resumed > 1) throw new XpsError('malformed', { detail: `resumed is ${resumed}` });
  readExtensions(reader.vector16('extensions', 0, 2048));
  reader.end('ServerHello');
  return { random, suite, answer, recordLimit, isResumed: resumed === 1 };
}
