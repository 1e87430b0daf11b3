import type { Bytes } from '../../base/bytes.ts';

export type TransportKind = 'tcp' | 'unix' | 'ws' | 'wss';

/**
 * One connected, ordered byte stream, whatever carries it. Handlers are assigned once by the owner,
 * before the next turn of the event loop; nothing is delivered before `start()`.
 *
 * Life: start → (data)* → end? → close. `onClose` comes exactly once, after which nothing else comes.
 */
export interface Transport {
  readonly kind: TransportKind;
  /** Printable address of the other side, escaped; for logs. */
  readonly remote: string;
  /** Network source for limits: an IP address or the /64 of one, or 'local' for UNIX sockets. */
  readonly source: string;

  /** Bytes that arrived. The buffer belongs to the receiver of the call. */
  onData: (bytes: Bytes) => void;
  /** The other side will send no more (TCP FIN). Never comes from a WebSocket: there the end is a close. */
  onEnd: () => void;
  /** All that was written has been taken by the kernel; comes after `write` returned false. */
  onDrain: () => void;
  /**
   * The transport is gone. `reset` when it ended by RST, an error, or (WebSocket) without a close frame;
   * `cause` says what happened, for the log.
   */
  onClose: (end: { readonly reset: boolean; readonly cause?: Error }) => void;

  /** Begins to deliver; once it has, the same as `resume`. */
  start(): void;
  /** Takes ownership of `bytes`. False means: wait for `onDrain` before writing much more. */
  write(bytes: Bytes): boolean;
  /** Several pieces with one system call where possible. */
  writeAll(pieces: readonly Bytes[]): boolean;
  /** Bytes accepted by `write` which the kernel has not taken yet. */
  readonly pendingBytes: number;
  pause(): void;
  resume(): void;
  /** Half-close: no more writes; FIN after what is pending. On a WebSocket a close frame. */
  end(): void;
  /** Abort towards the other side: RST on TCP, abrupt end elsewhere. Pending writes are dropped. */
  reset(): void;
  /** Close both directions, after pending writes if possible within `graceMs` (default 1000); 0: at once. Nothing more is delivered but `onClose`. */
  destroy(graceMs?: number): void;
  /** Switch the keepalive and no-delay behaviour of the underlying socket on, where it has one. */
  tune(options: { readonly noDelay: boolean; readonly keepAliveMs?: number }): void;
}

/** Which side of a sidecar a transport is on: they differ in what a WebSocket may be. */
export type TransportSide = 'application' | 'channel';

export interface Listener {
  /** The address that was bound, with the real port where 0 was asked for. */
  readonly url: string;
  /** wss://: certificates for connections from now on. */
  renewTls?(tls: ListenTlsTexts): void;
  /** Stop accepting; connections that exist live on. */
  close(): Promise<void>;
}

/** PEM texts. */
export interface ListenTlsTexts {
  readonly cert: string;
  readonly key: string;
}

/** A connection's place under the limits; given back once. */
export interface Pass {
  leave(): void;
}

export interface ListenOptions {
  readonly side: TransportSide;
  /** Asked for each connection before a byte of it is read. Undefined: it is closed at once. `drop` closes it later. */
  readonly onAccept: (source: string, drop: () => void) => Pass | undefined;
  /** The owner of the transport gives its pass back when the transport is closed. */
  readonly onConnection: (transport: Transport, pass: Pass) => void;
  /** A failed accept or upgrade; the listener lives on. */
  readonly onError: (error: Error) => void;
  /** For ws:// and wss://: until the upgrade is complete. */
  readonly upgradeTimeoutMs: number;
  /** For wss://. */
  readonly tls?: ListenTlsTexts;
}

export interface DialOptions {
  readonly side: TransportSide;
  /** Until connected, name resolution and upgrade included. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** For wss://: PEM of accepted roots (else the system's) and the name to check (else the URL's host). */
  readonly tls?: { readonly ca?: string; readonly serverName?: string };
}
