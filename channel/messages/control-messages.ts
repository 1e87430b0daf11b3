import { Reader, Writer, type Bytes } from '../../base/bytes.ts';
import { XpsError } from '../../base/errors.ts';
import type { Reason } from '../../base/reasons.ts';
import { MESSAGE } from '../../handshake/codepoints.ts';
import { makeMessage, type Message } from '../../handshake/messages/message.ts';

/** docs/PROTOCOL.md §7.1. `type` is ping or pong. */
export function encodePing(type: typeof MESSAGE.ping | typeof MESSAGE.pong, token: Bytes): Message {
  return makeMessage(type, token);
}

export function decodePing(body: Bytes): Bytes {
  const reader = new Reader(body);
  const token = reader.bytes(8, 'ping');
  reader.end('Ping');
  return token;
}

/** docs/PROTOCOL.md §8.7. */
export function encodeClose(bytes: bigint): Message {
  return makeMessage(MESSAGE.close, new Writer().u64(bytes).finish());
}

export function decodeClose(body: Bytes): bigint {
  const reader = new Reader(body);
  const bytes = reader.u64('bytes');
  reader.end('Close');
  return bytes;
}

/** docs/PROTOCOL.md §11.3: what a peer is told, and what we make of what it tells. */
const ALERTS: readonly (readonly [number, Reason])[] = [
  [1, 'peer_alert_internal'],
  [2, 'peer_alert_protocol'],
  [3, 'peer_alert_credential'],
  [4, 'peer_alert_limit'],
  [5, 'peer_alert_rekey'],
  [6, 'peer_alert_shutdown'],
];

export function encodeAlert(code: number): Message {
  return makeMessage(MESSAGE.alert, Uint8Array.of(code));
}

/** The error that an alert of the peer stands for. */
export function decodeAlert(body: Bytes): XpsError {
  const reader = new Reader(body);
  const code = reader.u8('alert');
  reader.end('Alert');
  const reason = ALERTS.find(([known]) => known === code)?.[1];
  if (reason === undefined) throw new XpsError('malformed', { detail: `unknown alert ${code}` });
  return new XpsError(reason);
}

/** The one function from error to alert code. Undefined: the peer caused or told it, nothing is sent. */
export function alertFor(error: XpsError): number | undefined {
  const { reason } = error;
  if (reason.startsWith('peer_alert_') || reason === 'peer_refused' || reason === 'channel_truncated') return undefined;
  if (reason.startsWith('certificate_')) return 3;
  if (error.code === 'XPS_ERR_INTERNAL') return 1;
  switch (reason) {
    case 'peer_rejected':
    case 'peer_not_allowed':
    case 'peer_denied':
    case 'spiffe_id_invalid':
    case 'identity_changed':
    case 'own_certificate':
    case 'staple_required':
      return 3;
    case 'control_flood':
    case 'handshake_timeout':
    case 'keepalive_timeout':
    case 'close_timeout':
    case 'idle_timeout':
    case 'memory_limit':
      return 4;
    case 'key_exhausted':
    case 'rekey_overdue':
      return 5;
    case 'shutting_down':
      return 6;
    default:
      return 2;
  }
}
