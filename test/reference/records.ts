/** Records: docs/PROTOCOL.md §2 and the division of messages into records, §3.1. */
import { concat, Reader, Writer } from './bytes.ts';
import { open, seal } from './algorithms.ts';
import { demand, LIMIT, MESSAGES, ReferenceError, type Bytes, type Role } from './vocabulary.ts';

export const PLAIN = 0x58;
export const PROTECTED = 0x59;
export const MESSAGE = 1;
export const DATA = 2;

export interface RecordKeys {
  readonly suite: number;
  readonly key: Bytes;
  readonly iv: Bytes;
  readonly epoch: number;
}

function recordHeader(form: number, epoch: number, length: number): Bytes {
  return new Writer().u8(form).u8(0).u16(epoch & 0xffff).u32(length).finish();
}

function nonceOf(iv: Bytes, seq: bigint): Bytes {
  const number = concat([new Uint8Array(iv.length - 8), new Writer().u64(seq).finish()]);
  return iv.map((byte, i) => byte ^ (number[i] as number));
}

export function plainRecord(message: Bytes): Bytes {
  return concat([recordHeader(PLAIN, 0, message.length), message]);
}

export function sealRecord(keys: RecordKeys, seq: bigint, type: number, content: Bytes, padding = 0): Bytes {
  const inner = concat([content, Uint8Array.of(type), new Uint8Array(padding)]);
  const header = recordHeader(PROTECTED, keys.epoch, inner.length + 16);
  const aad = concat([header, new Writer().u64(seq).finish()]);
  return concat([header, seal(keys.suite, keys.key, nonceOf(keys.iv, seq), aad, inner)]);
}

export interface OpenedRecord {
  readonly type: number;
  readonly content: Bytes;
  readonly padding: number;
}

/** `record` with its header. Does not judge epoch, type or content. */
export function openRecord(keys: RecordKeys, seq: bigint, record: Bytes): OpenedRecord {
  const header = record.subarray(0, 8);
  const aad = concat([header, new Writer().u64(seq).finish()]);
  const inner = open(keys.suite, keys.key, nonceOf(keys.iv, seq), aad, record.subarray(8));
  const at = inner.findLastIndex((byte) => byte !== 0);
  demand(at >= 0, 'record_padding_only');
  return { type: inner[at] as number, content: inner.subarray(0, at), padding: inner.length - at - 1 };
}

/** §2.7: the least padding that makes `inner` a multiple of 256 bytes, or L + 1 if that is less. */
export function handshakePadding(contentLength: number): number {
  const inner = contentLength + 1;
  return Math.min(Math.ceil(inner / 256) * 256, LIMIT.handshakeContent + 1) - inner;
}

export function frame(type: number, body: Bytes): Bytes {
  return new Writer().u8(type).u24(body.length).bytes(body).finish();
}

/** One direction of one epoch. */
export interface Lane extends RecordKeys {
  readonly contentLimit: number;
  seq: bigint;
}

export interface IncomingMessage {
  readonly kind: 'message';
  readonly type: number;
  readonly body: Bytes;
  readonly whole: Bytes;
  readonly epoch: number | 'plain';
}

export interface IncomingRecord {
  readonly kind: 'data';
  readonly content: Bytes;
  readonly epoch: number;
}

interface Assembly {
  readonly epoch: number;
  readonly length: number;
  content: Bytes;
}

/** Cuts bytes into records, opens them, and puts messages together. It knows lanes and limits, no states. */
export class Inbox {
  /** The epochs that may come next, oldest first: two of them while a switch is expected (§6.8, §9.6). */
  lanes: Lane[] = [];
  /** §13: counted until the peer is authenticated. */
  isCounting = true;
  receivedProtected = false;
  readonly #from: Role;
  #counted = 0;
  #bytes: Bytes = new Uint8Array(0);
  #assembly: Assembly | undefined;

  constructor(from: Role) {
    this.#from = from;
  }

  /** The caller acts on each item before it asks for the next, since that may change the lanes. */
  *receive(bytes: Bytes): Generator<IncomingMessage | IncomingRecord> {
    this.#bytes = concat([this.#bytes, bytes]);
    while (this.#bytes.length >= 8) {
      const { form, epoch, length } = this.#header();
      if (this.#bytes.length < 8 + length) return;
      const record = this.#bytes.slice(0, 8 + length);
      this.#bytes = this.#bytes.subarray(8 + length);
      if (this.isCounting) this.#counted += record.length;
      const item = form === PLAIN ? this.#plain(record.subarray(8)) : this.#protected(record, epoch);
      if (item !== undefined) yield item;
    }
  }

  #header(): { form: number; epoch: number; length: number } {
    const reader = new Reader(this.#bytes.subarray(0, 8));
    const form = reader.u8('form');
    const reserved = reader.u8('reserved');
    const epoch = reader.u16('epoch');
    const length = reader.u32('length');
    demand(form === PLAIN || form === PROTECTED, 'record_form');
    demand(reserved === 0, 'record_reserved');
    if (form === PLAIN) {
      demand(!this.receivedProtected, 'record_plain_unexpected');
      demand(epoch === 0, 'record_epoch');
      demand(length >= 4 && length <= LIMIT.plainRecord, 'record_length');
    } else {
      const lane = this.#laneOf(epoch);
      demand(length >= 17 && length <= lane.contentLimit + 17, 'record_length');
    }
    const isWithin = this.#counted + 8 + length <= LIMIT.unauthenticatedBytes;
    demand(!this.isCounting || isWithin, 'limit_exceeded', 'bytes before the peer is authenticated');
    return { form, epoch, length };
  }

  #laneOf(epoch: number): Lane {
    const lane = this.lanes.find((candidate) => (candidate.epoch & 0xffff) === epoch);
    demand(lane !== undefined, 'record_epoch');
    return lane;
  }

  #plain(message: Bytes): IncomingMessage {
    const [type, length] = this.#messageHeader(message);
    demand(message.length === 4 + length, 'malformed', 'a plain record holds one whole message');
    return { kind: 'message', type, body: message.subarray(4), whole: message, epoch: 'plain' };
  }

  #protected(record: Bytes, epochOnWire: number): IncomingMessage | IncomingRecord | undefined {
    const lane = this.#laneOf(epochOnWire);
    const { type, content } = openRecord(lane, lane.seq, record);
    lane.seq += 1n;
    this.receivedProtected = true;
    demand(type === MESSAGE || type === DATA, 'record_type');
    demand(content.length > 0, 'record_empty');
    demand(content.length <= lane.contentLimit, 'record_length');
    if (type === MESSAGE) return this.#fragment(content, lane);
    demand(this.#assembly === undefined, 'fragment_interrupted');
    return { kind: 'data', content, epoch: lane.epoch };
  }

  #fragment(content: Bytes, lane: Lane): IncomingMessage | undefined {
    if (this.#assembly === undefined) {
      const [, length] = this.#messageHeader(content);
      this.#assembly = { epoch: lane.epoch, length: 4 + length, content };
    } else {
      demand(this.#assembly.epoch === lane.epoch, 'fragment_interrupted');
      this.#assembly.content = concat([this.#assembly.content, content]);
    }
    const { length, content: whole } = this.#assembly;
    demand(whole.length <= length, 'fragment_excess', 'a record holds parts of two messages');
    if (whole.length < length) {
      demand(content.length === lane.contentLimit, 'fragment_short');
      return undefined;
    }
    this.#assembly = undefined;
    return { kind: 'message', type: whole[0] as number, body: whole.subarray(4), whole, epoch: lane.epoch };
  }

  #messageHeader(content: Bytes): [type: number, length: number] {
    demand(content.length >= 4, 'malformed', 'message header');
    const reader = new Reader(content);
    const type = reader.u8('type');
    const length = reader.u24('length');
    const rule = MESSAGES.get(type);
    demand(rule !== undefined, 'message_unknown', `type ${type}`);
    demand(rule.from === 'both' || rule.from === this.#from, 'message_direction', rule.name);
    demand(length <= rule.maxBody, 'message_too_long', rule.name);
    return [type, length];
  }
}

/** Puts messages and DATA into records. */
export class Outbox {
  lane: Lane | undefined;
  readonly #hardLimit: bigint;
  #records: Bytes[] = [];

  constructor(hardLimit: number = LIMIT.hardRecords) {
    this.#hardLimit = BigInt(hardLimit);
  }

  take(): Bytes {
    const all = concat(this.#records);
    this.#records = [];
    return all;
  }

  raw(bytes: Bytes): void {
    this.#records.push(bytes);
  }

  plain(message: Bytes): void {
    this.raw(plainRecord(message));
  }

  /** `isLast` lets the closing Alert use the record that the hard limit leaves. */
  message(whole: Bytes, lane: Lane | undefined = this.lane, isLast = false): void {
    if (lane === undefined) return this.plain(whole);
    for (const piece of pieces(whole, lane.contentLimit)) this.record(MESSAGE, piece, lane, isLast);
  }

  data(bytes: Bytes): void {
    const lane = this.lane as Lane;
    for (const piece of pieces(bytes, lane.contentLimit)) this.record(DATA, piece, lane);
  }

  record(type: number, content: Bytes, lane: Lane = this.lane as Lane, isLast = false, padding?: number): void {
    const reserved = isLast ? 0n : 1n;
    if (lane.seq + reserved >= this.#hardLimit) throw new ReferenceError('key_exhausted');
    const pad = padding ?? (lane.epoch === 0 ? handshakePadding(content.length) : 0);
    this.raw(sealRecord(lane, lane.seq, type, content, pad));
    lane.seq += 1n;
  }
}

function* pieces(bytes: Bytes, size: number): Generator<Bytes> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
