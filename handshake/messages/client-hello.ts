import { concat, Reader, utf8, Writer, type Bytes } from '../../base/bytes.ts';
import { XpsError } from '../../base/errors.ts';
import { EXTENSION_TICKET, GROUP_IDS, MAGIC, MESSAGE, PROTOCOL_VERSION, SHARE_LENGTHS } from '../codepoints.ts';
import type { Group, HashProvider } from '../../engines/contract.ts';
import { readExtensions, writeExtensions, type Extensions } from './extensions.ts';
import { makeMessage, MESSAGE_HEADER_LENGTH, readList, requireZeros, writeList, type Message } from './message.ts';

const BINDER_LENGTH = 48;
const GATE_LENGTH = 32;
const PADDING_BLOCK = 512;
const MAX_COOKIE_LENGTH = 64;
const HANDSHAKE_ID_LENGTH = 8;
export const TICKET_LENGTH = 32;

/** docs/PROTOCOL.md §6.1, less binder, gate and cookie, which are made from the rest. */
export interface ClientHelloFields {
  readonly random: Bytes;
  readonly suites: readonly number[];
  readonly schemes: readonly number[];
  readonly group: Group;
  readonly share: Bytes;
  readonly serviceTag: Bytes;
  readonly recordLimit: number;
  readonly extensions: Extensions;
}

export interface ClientHello extends ClientHelloFields {
  readonly ticket: Bytes | undefined;
  readonly binder: Bytes;
  readonly gate: Bytes;
  readonly cookie: Bytes;
  /** magic through padding: what the binder covers. */
  readonly binderInput: Bytes;
  /** magic through binder: what the gate covers. */
  readonly gateInput: Bytes;
  /** magic through gate: what stays the same after a Retry, and what the handshake id is made of. */
  readonly core: Bytes;
}

export interface ClientHelloMacs {
  /** 48 bytes over its argument, or absent without a ticket. */
  readonly binder?: (input: Bytes) => Bytes;
  /** At least 32 bytes over its argument. */
  readonly gate: (input: Bytes) => Bytes;
}

/** Everything from magic through gate. */
export function encodeClientHelloCore(fields: ClientHelloFields, macs: ClientHelloMacs): Bytes {
  const head = new Writer()
    .bytes(utf8(MAGIC))
    .u8(PROTOCOL_VERSION)
    .bytes(fields.random)
    .vector8(writeList(fields.suites))
    .vector8(writeList(fields.schemes))
    .u16(GROUP_IDS[fields.group])
    .vector16(fields.share)
    .bytes(fields.serviceTag)
    .u32(fields.recordLimit)
    .vector16(writeExtensions(fields.extensions))
    .finish();
  const binderLength = macs.binder === undefined ? 0 : BINDER_LENGTH;
  const unpadded = MESSAGE_HEADER_LENGTH + head.length + 2 + 1 + binderLength + GATE_LENGTH + 1;
  const padding = new Uint8Array((PADDING_BLOCK - (unpadded % PADDING_BLOCK)) % PADDING_BLOCK);
  const binderInput = new Writer().bytes(head).vector16(padding).finish();
  const binder = macs.binder?.(binderInput) ?? new Uint8Array(0);
  const gateInput = new Writer().bytes(binderInput).vector8(binder).finish();
  return concat([gateInput, macs.gate(gateInput).subarray(0, GATE_LENGTH)]);
}

export function clientHelloMessage(core: Bytes, cookie: Bytes): Message {
  return makeMessage(MESSAGE.clientHello, new Writer().bytes(core).vector8(cookie).finish());
}

/**
 * Decodes all but magic and version, which `readPreamble` judges. Shares are judged for length here and
 * for content by the key exchange.
 */
export function decodeClientHello(body: Bytes): ClientHello {
  const reader = new Reader(body);
  readPreamble(reader);
  const random = reader.bytes(32, 'random');
  const suites = readList(reader.vector8('suites', 2, 64), 'suites');
  const schemes = readList(reader.vector8('schemes', 2, 64), 'schemes');
  const group = groupById(reader.u16('group'));
  const share = reader.vector16('share', SHARE_LENGTHS[group], SHARE_LENGTHS[group]);
  const serviceTag = reader.bytes(16, 'service tag');
  const recordLimit = reader.u32('record limit');
  const extensions = readExtensions(reader.vector16('extensions', 0, 2048), [EXTENSION_TICKET]);
  requireZeros(reader.vector16('padding', 0, 1024), 'padding');
  const binderInput = body.subarray(0, reader.offset);
  const binder = reader.vector8('binder', 0, BINDER_LENGTH);
  const gateInput = body.subarray(0, reader.offset);
  const gate = reader.bytes(GATE_LENGTH, 'gate');
  const core = body.subarray(0, reader.offset);
  if ((MESSAGE_HEADER_LENGTH + core.length + 1) % PADDING_BLOCK !== 0) {
    throw new XpsError('malformed', { detail: 'the hello is not padded as it must be' });
  }
  const cookie = reader.vector8('cookie', 0, MAX_COOKIE_LENGTH);
  reader.end('ClientHello');
  const ticket = extensions.get(EXTENSION_TICKET);
  if (binder.length !== (ticket === undefined ? 0 : BINDER_LENGTH)) {
    throw new XpsError('malformed', { detail: 'binder and ticket do not go together' });
  }
  if (ticket !== undefined && ticket.length !== TICKET_LENGTH) {
    throw new XpsError('malformed', { detail: `ticket of ${ticket.length} bytes` });
  }
  return {
    random, suites, schemes, group, share, serviceTag, recordLimit, extensions,
    ticket, binder, gate, cookie, binderInput, gateInput, core,
  };
}

/** §6.11, of a ClientHello that could be parsed. */
export function handshakeIdOf(hash: HashProvider, core: Bytes): Uint8Array<ArrayBuffer> {
  return hash.hash('sha384', core).slice(0, HANDSHAKE_ID_LENGTH);
}

/** Magic and version come first, so that a stranger and an old peer are told apart from a broken one. */
function readPreamble(reader: Reader): void {
  const magic = reader.bytes(4, 'magic');
  if (Buffer.from(magic).toString('latin1') !== MAGIC) throw new XpsError('malformed', { detail: 'wrong magic' });
  const version = reader.u8('version');
  if (version !== PROTOCOL_VERSION) {
    throw new XpsError('version_unsupported', { detail: `version ${version}, we speak ${PROTOCOL_VERSION}` });
  }
}

export function groupById(id: number): Group {
  if (id === GROUP_IDS.X25519) return 'X25519';
  if (id === GROUP_IDS.XWING) return 'XWING';
  throw new XpsError('malformed', { detail: `key share of unknown group ${id}` });
}
