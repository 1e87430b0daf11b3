import { Reader, utf8, Writer, type Bytes } from '../../base/bytes.ts';
import { XpsError } from '../../base/errors.ts';
import { MESSAGE } from '../../handshake/codepoints.ts';
import { readExtensions } from '../../handshake/messages/extensions.ts';
import { makeMessage, type Message } from '../../handshake/messages/message.ts';

/** docs/PROTOCOL.md §8.1: where the stream is to go. */
export type Destination =
  | { readonly kind: 'configured' }
  | { readonly kind: 'named'; readonly address: string }
  | { readonly kind: 'original'; readonly address: string };

export interface Open {
  readonly number: bigint;
  readonly destination: Destination;
}

export interface End {
  readonly number: bigint;
  /** DATA bytes of this stream in the sender's direction. */
  readonly bytes: bigint;
}

/** docs/PROTOCOL.md §8.4. */
export const RESET_REASONS: readonly ResetReason[] = ['reset', 'unreachable', 'not_permitted', 'timed_out', 'shutting_down'];
export type ResetReason = 'reset' | 'unreachable' | 'not_permitted' | 'timed_out' | 'shutting_down';

export interface Reset {
  readonly number: bigint;
  readonly reason: ResetReason;
}

const KINDS = ['configured', 'named', 'original'] as const;
const ADDRESS_PATTERN = /^(\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9._-]{1,253}):([0-9]{1,5})$/;

export function encodeOpen(open: Open): Message {
  const { destination } = open;
  const address = destination.kind === 'configured' ? '' : destination.address;
  const body = new Writer()
    .u64(open.number)
    .u8(KINDS.indexOf(destination.kind))
    .vector16(utf8(address))
    .vector16(new Uint8Array(0))
    .finish();
  return makeMessage(MESSAGE.open, body);
}

export function decodeOpen(body: Bytes): Open {
  const reader = new Reader(body);
  const number = reader.u64('stream number');
  const kind = KINDS[reader.u8('kind')];
  const address = Buffer.from(reader.vector16('destination', 0, 1024)).toString('latin1');
  readExtensions(reader.vector16('extensions', 0, 256));
  reader.end('Open');
  if (kind === undefined) throw new XpsError('malformed', { detail: 'unknown kind of destination' });
  if (kind === 'configured') {
    if (address !== '') throw new XpsError('malformed', { detail: 'a configured destination has no address' });
    return { number, destination: { kind } };
  }
  const port = Number(ADDRESS_PATTERN.exec(address)?.[2] ?? 0);
  if (port < 1 || port > 65_535) throw new XpsError('malformed', { detail: 'destination is not host:port' });
  return { number, destination: { kind, address } };
}

export function encodeEnd(end: End): Message {
  return makeMessage(MESSAGE.end, new Writer().u64(end.number).u64(end.bytes).finish());
}

export function decodeEnd(body: Bytes): End {
  const reader = new Reader(body);
  const end = { number: reader.u64('stream number'), bytes: reader.u64('bytes') };
  reader.end('End');
  return end;
}

export function encodeReset(reset: Reset): Message {
  return makeMessage(MESSAGE.reset, new Writer().u64(reset.number).u8(RESET_REASONS.indexOf(reset.reason)).finish());
}

export function decodeReset(body: Bytes): Reset {
  const reader = new Reader(body);
  const number = reader.u64('stream number');
  const reason = RESET_REASONS[reader.u8('reason')];
  reader.end('Reset');
  if (reason === undefined) throw new XpsError('malformed', { detail: 'unknown reset reason' });
  return { number, reason };
}
