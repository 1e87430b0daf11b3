/** The tables of docs/PROTOCOL.md §3.3 and §13, and the one error of the reference. */

export type Role = 'client' | 'server';
export type Bytes = Uint8Array;

/** Fatal in the sense of docs/PROTOCOL.md: the channel is dead. `reason` says which rule was broken. */
export class ReferenceError extends Error {
  override readonly name = 'ReferenceError';
  readonly reason: string;

  constructor(reason: string, detail = '') {
    super(detail === '' ? reason : `${reason}: ${detail}`);
    this.reason = reason;
  }
}

/** The caller asked for something that the protocol does not allow now; the channel is unharmed. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export function demand(condition: boolean, reason: string, detail = ''): asserts condition {
  if (!condition) throw new ReferenceError(reason, detail);
}

export function allowed(condition: boolean, detail: string): asserts condition {
  if (!condition) throw new UsageError(detail);
}

export const TYPE = {
  ClientHello: 0x01,
  ServerHello: 0x02,
  Retry: 0x03,
  ServerParameters: 0x04,
  Certificate: 0x05,
  CertificateVerify: 0x06,
  Finished: 0x07,
  Confirm: 0x08,
  Failure: 0x0f,
  RekeyWish: 0x10,
  RekeyRequest: 0x11,
  RekeyResponse: 0x12,
  RekeyFinish: 0x13,
  RekeyDone: 0x14,
  Open: 0x20,
  End: 0x21,
  Reset: 0x22,
  Ping: 0x30,
  Pong: 0x31,
  Ticket: 0x32,
  Alert: 0x33,
  Close: 0x34,
  Retire: 0x35,
} as const;

interface MessageRule {
  readonly name: string;
  readonly from: 'client' | 'server' | 'both';
  readonly maxBody: number;
}

/** docs/PROTOCOL.md §3.3, line by line. */
export const MESSAGES: ReadonlyMap<number, MessageRule> = new Map([
  [TYPE.ClientHello, { name: 'ClientHello', from: 'client', maxBody: 8188 }],
  [TYPE.ServerHello, { name: 'ServerHello', from: 'server', maxBody: 8188 }],
  [TYPE.Retry, { name: 'Retry', from: 'server', maxBody: 65 }],
  [TYPE.ServerParameters, { name: 'ServerParameters', from: 'server', maxBody: 4096 }],
  [TYPE.Certificate, { name: 'Certificate', from: 'both', maxBody: 45_056 }],
  [TYPE.CertificateVerify, { name: 'CertificateVerify', from: 'both', maxBody: 1028 }],
  [TYPE.Finished, { name: 'Finished', from: 'both', maxBody: 48 }],
  [TYPE.Confirm, { name: 'Confirm', from: 'server', maxBody: 0 }],
  [TYPE.Failure, { name: 'Failure', from: 'both', maxBody: 0 }],
  [TYPE.RekeyWish, { name: 'RekeyWish', from: 'server', maxBody: 4 }],
  [TYPE.RekeyRequest, { name: 'RekeyRequest', from: 'client', maxBody: 2048 }],
  [TYPE.RekeyResponse, { name: 'RekeyResponse', from: 'server', maxBody: 49_152 }],
  [TYPE.RekeyFinish, { name: 'RekeyFinish', from: 'client', maxBody: 49_152 }],
  [TYPE.RekeyDone, { name: 'RekeyDone', from: 'server', maxBody: 4 }],
  [TYPE.Open, { name: 'Open', from: 'client', maxBody: 1536 }],
  [TYPE.End, { name: 'End', from: 'both', maxBody: 16 }],
  [TYPE.Reset, { name: 'Reset', from: 'both', maxBody: 9 }],
  [TYPE.Ping, { name: 'Ping', from: 'both', maxBody: 8 }],
  [TYPE.Pong, { name: 'Pong', from: 'both', maxBody: 8 }],
  [TYPE.Ticket, { name: 'Ticket', from: 'server', maxBody: 64 }],
  [TYPE.Alert, { name: 'Alert', from: 'both', maxBody: 1 }],
  [TYPE.Close, { name: 'Close', from: 'both', maxBody: 8 }],
  [TYPE.Retire, { name: 'Retire', from: 'server', maxBody: 0 }],
] satisfies [number, MessageRule][]);

type LimitName =
  | 'plainRecord' | 'handshakeContent' | 'recordLimitMin' | 'recordLimitMax' | 'unauthenticatedBytes' | 'earlyBytes'
  | 'chainCertificates' | 'hardRecords' | 'tickets' | 'seriesMs' | 'helloMs' | 'handshakeMs' | 'rekeyMs' | 'closeMs'
  | 'rekeyGapClientMs' | 'rekeyGapQuietMs' | 'rekeyGapServerMs' | 'credit' | 'creditPerSecond' | 'pingGapMs';

/** docs/PROTOCOL.md §13 and the sections that it points to. */
export const LIMIT: Readonly<Record<LimitName, number>> = {
  plainRecord: 8192,
  handshakeContent: 16_384,
  recordLimitMin: 16_384,
  recordLimitMax: 65_536,
  unauthenticatedBytes: 65_536,
  earlyBytes: 65_536,
  chainCertificates: 6,
  hardRecords: 5_931_641,
  tickets: 8,
  seriesMs: 24 * 3600 * 1000,
  helloMs: 3000,
  handshakeMs: 10_000,
  rekeyMs: 30_000,
  closeMs: 5000,
  rekeyGapClientMs: 20,
  rekeyGapQuietMs: 1000,
  rekeyGapServerMs: 10,
  credit: 32,
  creditPerSecond: 4,
  pingGapMs: 1000,
};
