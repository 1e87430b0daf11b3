/** Bodies of the handshake's messages: docs/PROTOCOL.md §6. Encoders trust their caller, decoders nobody. */
import { answerLength, groupFor, GROUPS, HMAC, keyExchangeOf, shareLength } from './algorithms.ts';
import { concat, Reader, Writer } from './bytes.ts';
import { decode, encodeExtensions, encodeList, readChoice, readExtensions, readList, TICKET_EXTENSION, type Extension } from './fields.ts';
import { demand, LIMIT, type Bytes } from './vocabulary.ts';

const MAGIC = Uint8Array.from(Buffer.from('XPSC', 'ascii'));
const VERSION = 1;

// ClientHello, §6.1

export interface ClientHello {
  readonly random: Bytes;
  readonly suites: readonly number[];
  readonly schemes: readonly number[];
  readonly group: number;
  readonly share: Bytes;
  readonly serviceTag: Bytes;
  readonly recordLimit: number;
  readonly extensions: readonly Extension[];
}

export interface ReceivedClientHello extends ClientHello {
  readonly ticket: Bytes | undefined;
  readonly binder: Bytes;
  readonly gate: Bytes;
  readonly cookie: Bytes;
  /** The parts of the body that binder, gate, and cookie and handshake id cover. */
  readonly throughPadding: Bytes;
  readonly throughBinder: Bytes;
  readonly throughGate: Bytes;
}

/** Everything from magic through gate. `paddingLength` only for tests of the padding rule. */
export function encodeClientHello(
  hello: ClientHello,
  keys: { gateKey: Bytes; binderKey?: Bytes | undefined },
  paddingLength?: number,
): Bytes {
  const upToPadding = new Writer()
    .bytes(MAGIC)
    .u8(VERSION)
    .bytes(hello.random)
    .vector8(encodeList(hello.suites))
    .vector8(encodeList(hello.schemes))
    .u16(hello.group)
    .vector16(hello.share)
    .bytes(hello.serviceTag)
    .u32(hello.recordLimit)
    .vector16(encodeExtensions(hello.extensions))
    .finish();
  const binderLength = keys.binderKey === undefined ? 0 : 48;
  const padding = new Uint8Array(paddingLength ?? helloPadding(upToPadding.length, binderLength));
  const throughPadding = new Writer().bytes(upToPadding).vector16(padding).finish();
  const binder = keys.binderKey === undefined ? new Uint8Array(0) : HMAC(keys.binderKey, throughPadding);
  const throughBinder = new Writer().bytes(throughPadding).vector8(binder).finish();
  return concat([throughBinder, HMAC(keys.gateKey, throughBinder).subarray(0, 32)]);
}

/** The message with its 4-byte header, without the cookie but with its length byte, fills multiples of 512. */
function helloPadding(lengthBefore: number, binderLength: number): number {
  const unpadded = 4 + lengthBefore + 2 + (1 + binderLength) + 32 + 1;
  return Math.ceil(unpadded / 512) * 512 - unpadded;
}

export function withCookie(throughGate: Bytes, cookie: Bytes): Bytes {
  return new Writer().bytes(throughGate).vector8(cookie).finish();
}

export function decodeClientHello(body: Bytes): ReceivedClientHello {
  return decode('ClientHello', body, (reader) => {
    demand(Buffer.from(reader.bytes(4, 'magic')).equals(MAGIC), 'hello_magic');
    demand(reader.u8('version') === VERSION, 'hello_version');
    const random = reader.bytes(32, 'random');
    const suites = readList(reader, 'suites');
    const schemes = readList(reader, 'schemes');
    const group = reader.u16('group');
    const share = reader.vector16('share', 32, 1216);
    const serviceTag = reader.bytes(16, 'service tag');
    const recordLimit = reader.u32('record limit');
    const extensions = readExtensions(reader, 2048, [TICKET_EXTENSION]);
    const lengthBefore = reader.offset;
    const padding = reader.vector16('padding', 0, 1024);
    const throughPadding = body.subarray(0, reader.offset);
    const binder = reader.vector8('binder', 0, 48);
    const throughBinder = body.subarray(0, reader.offset);
    const gate = reader.bytes(32, 'gate');
    const throughGate = body.subarray(0, reader.offset);
    const cookie = reader.vector8('cookie', 0, 64);
    const ticket = extensions.find(({ type }) => type === TICKET_EXTENSION)?.body;
    demand(ticket === undefined || ticket.length === 32, 'malformed', 'ticket extension');
    demand(binder.length === (ticket === undefined ? 0 : 48), 'binder_without_ticket');
    demand(padding.every((byte) => byte === 0), 'hello_padding');
    demand(padding.length === helloPadding(lengthBefore, binder.length), 'hello_padding');
    return {
      random, suites, schemes, group, share, serviceTag, recordLimit, extensions,
      ticket, binder, gate, cookie, throughPadding, throughBinder, throughGate,
    };
  });
}

/** What is judged after the gate: values that can be wrong in a hello of a peer who knows the mesh key. */
export function demandSoundHello(hello: ReceivedClientHello): void {
  demand(GROUPS.includes(hello.group), 'hello_group');
  demand(hello.group === groupFor(hello.suites), 'hello_group', 'does not match the suites');
  demand(hello.share.length === shareLength(hello.group), 'key_share_invalid', 'length');
  demandRecordLimit(hello.recordLimit, LIMIT.recordLimitMax);
}

export function demandRecordLimit(value: number, max: number): void {
  demand(value >= LIMIT.recordLimitMin && value <= max, 'record_limit');
}

// Retry, ServerHello, ServerParameters, §6.3 and §6.4

export function encodeRetry(cookie: Bytes): Bytes {
  return new Writer().vector8(cookie).finish();
}

export function decodeRetry(body: Bytes): Bytes {
  return decode('Retry', body, (reader) => reader.vector8('cookie', 1, 64));
}

export interface ServerHello {
  readonly random: Bytes;
  readonly suite: number;
  readonly answer: Bytes;
  readonly recordLimit: number;
  readonly resumed: boolean;
  readonly extensions: readonly Extension[];
}

export function encodeServerHello(hello: ServerHello): Bytes {
  return new Writer()
    .u8(VERSION)
    .bytes(hello.random)
    .u16(hello.suite)
    .vector16(hello.answer)
    .u32(hello.recordLimit)
    .u8(hello.resumed ? 1 : 0)
    .vector16(encodeExtensions(hello.extensions))
    .finish();
}

export function decodeServerHello(body: Bytes): ServerHello {
  return decode('ServerHello', body, (reader) => {
    demand(reader.u8('version') === VERSION, 'hello_version');
    const random = reader.bytes(32, 'random');
    const suite = reader.u16('suite');
    const answer = reader.vector16('answer', 32, 1120);
    const recordLimit = reader.u32('record limit');
    const resumed = readChoice(reader, 'resumed', 1) === 1;
    const extensions = readExtensions(reader, 2048);
    demand(answer.length === answerLength(keyExchangeOf(suite)), 'key_share_invalid', 'length of the answer');
    return { random, suite, answer, recordLimit, resumed, extensions };
  });
}

export interface ServerParameters {
  readonly suites: readonly number[];
  readonly schemes: readonly number[];
  readonly clientAuth: number;
  readonly stapleRequired: boolean;
  readonly caHints: readonly Bytes[];
  readonly trustDigest: Bytes;
  readonly extensions: readonly Extension[];
}

export const CLIENT_AUTH = { required: 0, optional: 1, none: 2 } as const;

export function encodeServerParameters(parameters: ServerParameters): Bytes {
  return new Writer()
    .vector8(encodeList(parameters.suites))
    .vector8(encodeList(parameters.schemes))
    .u8(parameters.clientAuth)
    .u8(parameters.stapleRequired ? 1 : 0)
    .vector16(concat(parameters.caHints))
    .bytes(parameters.trustDigest)
    .vector16(encodeExtensions(parameters.extensions))
    .finish();
}

export function decodeServerParameters(body: Bytes): ServerParameters {
  return decode('ServerParameters', body, (reader) => {
    const suites = readList(reader, 'suites');
    const schemes = readList(reader, 'schemes');
    const clientAuth = readChoice(reader, 'client_auth', 2);
    const stapleRequired = readChoice(reader, 'staple_required', 1) === 1;
    const hints = new Reader(reader.vector16('ca_hints', 0, 1024));
    const caHints: Bytes[] = [];
    while (hints.remaining > 0) caHints.push(hints.bytes(32, 'ca_hints'));
    const trustDigest = reader.bytes(32, 'trust_digest');
    const extensions = readExtensions(reader, 1024);
    return { suites, schemes, clientAuth, stapleRequired, caHints, trustDigest, extensions };
  });
}

// Certificate, CertificateVerify, Finished, §6.5 to §6.7

export interface Certificate {
  readonly chain: readonly Bytes[];
  readonly staple: Bytes;
}

export const ANONYMOUS: Certificate = { chain: [], staple: new Uint8Array(0) };

export function encodeCertificate({ chain, staple }: Certificate, extensions: readonly Extension[] = []): Bytes {
  const list = new Writer();
  for (const certificate of chain) list.vector24(certificate);
  return new Writer().vector24(list.finish()).vector16(staple).vector16(encodeExtensions(extensions)).finish();
}

export function readCertificate(reader: Reader): Certificate {
  const list = new Reader(reader.vector24('chain', 0, 32_768));
  const chain: Bytes[] = [];
  while (list.remaining > 0) {
    demand(chain.length < LIMIT.chainCertificates, 'chain_too_long');
    chain.push(list.vector24('certificate', 1, 32_768).slice());
  }
  const staple = reader.vector16('staple', 0, 8192).slice();
  readExtensions(reader, 1024);
  demand(chain.length > 0 || staple.length === 0, 'malformed', 'a staple without a chain');
  return { chain, staple };
}

export function decodeCertificate(body: Bytes): Certificate {
  return decode('Certificate', body, readCertificate);
}

export interface Signed {
  readonly scheme: number;
  readonly signature: Bytes;
}

export function encodeCertificateVerify({ scheme, signature }: Signed): Bytes {
  return new Writer().u16(scheme).vector16(signature).finish();
}

export function decodeCertificateVerify(body: Bytes): Signed {
  return decode('CertificateVerify', body, (reader) => ({
    scheme: reader.u16('scheme'),
    signature: reader.vector16('signature', 1, 1024),
  }));
}

export function decodeFinished(body: Bytes): Bytes {
  return decode('Finished', body, (reader) => reader.bytes(48, 'verify_data'));
}
