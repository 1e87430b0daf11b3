import { concat, Reader, Writer, type Bytes } from '../../base/bytes.ts';
import { XpsError } from '../../base/errors.ts';
import { MESSAGE } from '../codepoints.ts';
import { readExtensions, writeExtensions, type Extensions } from './extensions.ts';
import { makeMessage, readList, writeList, type Message } from './message.ts';

export type ClientAuth = 'required' | 'optional' | 'none';

const CLIENT_AUTH: readonly ClientAuth[] = ['required', 'optional', 'none'];
const HINT_LENGTH = 32;

/** docs/PROTOCOL.md §6.4. */
export interface ServerParameters {
  readonly suites: readonly number[];
  readonly schemes: readonly number[];
  readonly clientAuth: ClientAuth;
  readonly isStapleRequired: boolean;
  /** SHA-256 of the SubjectPublicKeyInfo of trust anchors. */
  readonly caHints: readonly Bytes[];
  readonly trustDigest: Bytes;
}

export function encodeServerParameters(parameters: ServerParameters, extensions: Extensions): Message {
  const body = new Writer()
    .vector8(writeList(parameters.suites))
    .vector8(writeList(parameters.schemes))
    .u8(CLIENT_AUTH.indexOf(parameters.clientAuth))
    .u8(parameters.isStapleRequired ? 1 : 0)
    .vector16(concat(parameters.caHints))
    .bytes(parameters.trustDigest)
    .vector16(writeExtensions(extensions))
    .finish();
  return makeMessage(MESSAGE.serverParameters, body);
}

export function decodeServerParameters(body: Bytes): ServerParameters {
  const reader = new Reader(body);
  const suites = readList(reader.vector8('suites', 2, 64), 'suites');
  const schemes = readList(reader.vector8('schemes', 2, 64), 'schemes');
  const clientAuth = CLIENT_AUTH[reader.u8('client_auth')];
  const stapleRequired = reader.u8('staple_required');
  const hints = reader.vector16('ca_hints', 0, 1024);
  const trustDigest = reader.bytes(32, 'trust_digest');
  readExtensions(reader.vector16('extensions', 0, 1024));
  reader.end('ServerParameters');
  if (clientAuth === undefined || stapleRequired > 1 || hints.length % HINT_LENGTH !== 0) {
    throw new XpsError('malformed', { detail: 'ServerParameters has a value outside its range' });
  }
  const caHints: Bytes[] = [];
  // Copies: parameters outlive the buffer that they came in.
  for (let at = 0; at < hints.length; at += HINT_LENGTH) caHints.push(hints.slice(at, at + HINT_LENGTH));
  return { suites, schemes, clientAuth, isStapleRequired: stapleRequired === 1, caHints, trustDigest: trustDigest.slice() };
}
