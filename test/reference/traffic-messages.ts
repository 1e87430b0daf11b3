/** Bodies of the messages after the handshake: docs/PROTOCOL.md §7 to §11. Encoders trust their caller, decoders nobody. */
import { Writer } from './bytes.ts';
import { decode, encodeExtensions, readChoice, readExtensions, type Extension } from './fields.ts';
import { encodeCertificate, readCertificate, type Certificate, type Signed } from './handshake-messages.ts';
import { demand, ReferenceError, type Bytes } from './vocabulary.ts';

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
