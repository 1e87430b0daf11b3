import { Reader, Writer, type Bytes } from '../../base/bytes.ts';
import { XpsError } from '../../base/errors.ts';
import { MESSAGE } from '../codepoints.ts';
import { TICKET_LENGTH } from './client-hello.ts';
import { makeMessage, type Message } from './message.ts';

export const TICKET_NONCE_LENGTH = 16;
const MAX_LIFETIME_S = 86_400;

/** docs/PROTOCOL.md §10.1. */
export interface Ticket {
  readonly lifetimeS: number;
  readonly ticket: Bytes;
  readonly nonce: Bytes;
}

export function encodeTicket(ticket: Ticket): Message {
  const body = new Writer().u32(ticket.lifetimeS).bytes(ticket.ticket).vector8(ticket.nonce).finish();
  return makeMessage(MESSAGE.ticket, body);
}

export function decodeTicket(body: Bytes): Ticket {
  const reader = new Reader(body);
  const lifetimeS = reader.u32('lifetime');
  const ticket = reader.bytes(TICKET_LENGTH, 'ticket');
  const nonce = reader.vector8('nonce', TICKET_NONCE_LENGTH, TICKET_NONCE_LENGTH);
  reader.end('Ticket');
  if (lifetimeS < 1 || lifetimeS > MAX_LIFETIME_S) {
    throw new XpsError('malformed', { detail: `ticket lifetime ${lifetimeS} s` });
  }
  return { lifetimeS, ticket, nonce };
}
