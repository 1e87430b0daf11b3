/** Bodies of all messages: docs/PROTOCOL.md §6, §8, §9.2, §10.1. Encoders trust their caller, decoders nobody. */
import { concat, Reader, Writer } from './bytes.ts';
import { answerLength, groupFor, GROUPS, HMAC, keyExchangeOf, shareLength } from './algorithms.ts';
import { demand, LIMIT, ReferenceError, type Bytes } from './vocabulary.ts';

const MAGIC = Uint8Array.from(Buffer.from('XPSC', 'ascii'));
const VERSION = 1;
export const TICKET_EXTENSION = 0x0001;

/** Runs a decoder over a whole body (§1.2). */
function decode<T>(name: string, body: Bytes, read: (reader: Reader) => T): T {
  const reader = new Reader(body);
  const value = read(reader);
  reader.end(name);
  return value;
}

// Lists and extensions, §4.3 and §4.5

export function encodeList(values: readonly number[]): Bytes {
  const writer = new Writer();
  for (const value of values) writer.u16(value);
  return writer.finish();
}

function readList(reader: Reader, field: string): number[] {
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
function readExtensions(reader: Reader, max: number, known: readonly number[] = []): Extension[] {
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

function readChoice(reader: Reader, field: string, max: number): number {
  const value = reader.u8(field);
  demand(value <= max, 'malformed', field);
  return value;
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

function readCertificate(reader: Reader): Certificate {
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

/** Confirm, Failure, Retire. */
export function decodeEmpty(body: Bytes): void {
  demand(body.length === 0, 'malformed', 'a body that must be empty');
}

// Streams, §8

export interface Open {
  readonly number: bigint;
  readonly kind: number;
  readonly destination: string;
}

const HOST_AND_PORT = /^(?:\[[0-9A-Fa-f:.]+\]|[^\s:[\]]+):([0-9]{1,5})$/;

export function encodeOpen({ number, kind, destination }: Open, extensions: readonly Extension[] = []): Bytes {
  return new Writer()
    .u64(number)
    .u8(kind)
    .vector16(Uint8Array.from(Buffer.from(destination, 'utf8')))
    .vector16(encodeExtensions(extensions))
    .finish();
}

export function decodeOpen(body: Bytes): Open {
  return decode('Open', body, (reader) => {
    const number = reader.u64('number');
    const kind = readChoice(reader, 'kind', 2);
    const destination = readText(reader.vector16('destination', 0, 1024));
    readExtensions(reader, 256);
    if (kind === 0) {
      demand(destination === '', 'malformed', 'kind 0 has no destination');
    } else {
      const port = Number(HOST_AND_PORT.exec(destination)?.[1] ?? 0);
      demand(port >= 1 && port <= 65_535, 'malformed', 'destination is not host:port');
    }
    return { number, kind, destination };
  });
}

function readText(bytes: Bytes): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new ReferenceError('malformed', 'destination is not text');
  }
}

export interface End {
  readonly number: bigint;
  readonly bytes: bigint;
}

export function encodeEnd({ number, bytes }: End): Bytes {
  return new Writer().u64(number).u64(bytes).finish();
}

export function decodeEnd(body: Bytes): End {
  return decode('End', body, (reader) => ({ number: reader.u64('number'), bytes: reader.u64('bytes') }));
}

export interface Reset {
  readonly number: bigint;
  readonly reason: number;
}

export function encodeReset({ number, reason }: Reset): Bytes {
  return new Writer().u64(number).u8(reason).finish();
}

export function decodeReset(body: Bytes): Reset {
  return decode('Reset', body, (reader) => ({
    number: reader.u64('number'),
    reason: readChoice(reader, 'reason', 4),
  }));
}

export function encodeClose(bytes: bigint): Bytes {
  return new Writer().u64(bytes).finish();
}

export function decodeClose(body: Bytes): bigint {
  return decode('Close', body, (reader) => reader.u64('bytes'));
}

/** Ping and Pong. */
export function decodePing(body: Bytes): Bytes {
  return decode('Ping', body, (reader) => reader.bytes(8, 'bytes'));
}

export function decodeAlert(body: Bytes): number {
  return decode('Alert', body, (reader) => {
    const code = reader.u8('code');
    demand(code >= 1 && code <= 6, 'malformed', 'alert code');
    return code;
  });
}

// Tickets, §10.1

export interface Ticket {
  readonly lifetime: number;
  readonly ticket: Bytes;
  readonly nonce: Bytes;
}

export function encodeTicket({ lifetime, ticket, nonce }: Ticket): Bytes {
  return new Writer().u32(lifetime).bytes(ticket).vector8(nonce).finish();
}

export function decodeTicket(body: Bytes): Ticket {
  return decode('Ticket', body, (reader) => {
    const lifetime = reader.u32('lifetime');
    demand(lifetime >= 1 && lifetime <= 86_400, 'malformed', 'lifetime');
    return { lifetime, ticket: reader.bytes(32, 'ticket').slice(), nonce: reader.vector8('nonce', 16, 16).slice() };
  });
}

// Rekey, §9.2

/** RekeyWish and RekeyDone. */
export function encodeGeneration(generation: number): Bytes {
  return new Writer().u32(generation).finish();
}

export function decodeGeneration(body: Bytes): number {
  return decode('generation', body, (reader) => reader.u32('g'));
}

export interface RekeyRequest {
  readonly generation: number;
  readonly group: number;
  readonly share: Bytes;
}

export function encodeRekeyRequest({ generation, group, share }: RekeyRequest): Bytes {
  return new Writer().u32(generation).u16(group).vector16(share).finish();
}

export function decodeRekeyRequest(body: Bytes): RekeyRequest {
  return decode('RekeyRequest', body, (reader) => ({
    generation: reader.u32('g'),
    group: reader.u16('group'),
    share: reader.vector16('share', 32, 1216).slice(),
  }));
}

/** The part of a RekeyResponse that its signature covers. */
export function encodeRekeyResponseStart(generation: number, answer: Bytes, certificate: Certificate): Bytes {
  return new Writer().u32(generation).vector16(answer).bytes(encodeCertificate(certificate)).finish();
}

export interface RekeyResponse {
  readonly generation: number;
  readonly answer: Bytes;
  readonly certificate: Certificate;
  readonly signed: Signed;
  readonly upToScheme: Bytes;
}

export function decodeRekeyResponse(body: Bytes): RekeyResponse {
  return decode('RekeyResponse', body, (reader) => {
    const generation = reader.u32('g');
    const answer = reader.vector16('answer', 32, 1120).slice();
    const certificate = readCertificate(reader);
    const upToScheme = body.subarray(0, reader.offset);
    const signed = { scheme: reader.u16('scheme'), signature: reader.vector16('signature', 1, 1024) };
    return { generation, answer, certificate, signed, upToScheme };
  });
}

/** The part of a RekeyFinish that its signature covers. */
export function encodeRekeyFinishStart(generation: number, certificate: Certificate): Bytes {
  return new Writer().u32(generation).bytes(encodeCertificate(certificate)).finish();
}

export interface RekeyFinish {
  readonly generation: number;
  readonly certificate: Certificate;
  readonly signed: Signed;
  readonly verifyData: Bytes;
  readonly upToScheme: Bytes;
  readonly upToVerifyData: Bytes;
}

export function decodeRekeyFinish(body: Bytes): RekeyFinish {
  return decode('RekeyFinish', body, (reader) => {
    const generation = reader.u32('g');
    const certificate = readCertificate(reader);
    const upToScheme = body.subarray(0, reader.offset);
    const signed = { scheme: reader.u16('scheme'), signature: reader.vector16('signature', 0, 1024) };
    const upToVerifyData = body.subarray(0, reader.offset);
    const verifyData = reader.bytes(48, 'verify_data');
    return { generation, certificate, signed, verifyData, upToScheme, upToVerifyData };
  });
}
