import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Bytes } from '../../base/bytes.ts';
import { networkSource, shownAddress } from './network-source.ts';
import type { Transport } from './transport.ts';

const LINGER_MS = 1000;
/** RFC 6455 §7.4.1. */
const CLOSE_NORMAL = 1000;
const CLOSE_UNSUPPORTED = 1003;
/** Normal, going away, and a close frame without a code. */
const ORDERLY_CODES = new Set([1000, 1001, 1005]);

/** What text messages are: the application's side takes them as bytes, the channel's side refuses them. */
export type TextPolicy = 'bytes' | 'refuse';

function nothing(): void {
  // The owner has not assigned its handlers yet, or wants to hear no more.
}

/**
 * A WebSocket as a byte stream: message borders mean nothing, what is sent goes out in binary messages.
 * There is no half-close: `end` sends a close frame, and the answer to it ends both directions.
 */
export class WebSocketTransport implements Transport {
  readonly kind: 'ws' | 'wss';
  readonly remote: string;
  readonly source: string;
  onData: (bytes: Bytes) => void = nothing;
  /** Never called. */
  onEnd: () => void = nothing;
  onDrain: () => void = nothing;
  onClose: Transport['onClose'] = nothing;
  readonly #webSocket: WebSocket;
  readonly #socket: Socket | undefined;
  #waiting: Bytes[] = [];
  #cause: Error | undefined;
  #isReset = false;
  #isStarted = false;
  #isClosed = false;
  #isLingering = false;
  #isPaused = false;
  #lingerTimer: NodeJS.Timeout | undefined;

  /** To be called in the turn in which the WebSocket opened: no message may be missed. */
  constructor(webSocket: WebSocket, socket: Duplex, text: TextPolicy, where?: string) {
    this.#webSocket = webSocket;
    this.#socket = socket instanceof Socket ? socket : undefined;
    this.kind = socket instanceof TLSSocket ? 'wss' : 'ws';
    this.remote = where ?? shownAddress(this.#socket?.remoteAddress, this.#socket?.remotePort);
    this.source = networkSource(this.#socket?.remoteAddress);
    webSocket.on('message', (content: Buffer, isBinary) => this.#received(content, isBinary || text === 'bytes'));
    webSocket.on('error', (error) => {
      this.#cause ??= error;
    });
    webSocket.on('close', (code) => this.#closed(code));
    this.#socket?.on('drain', () => {
      if (!this.#isLingering) this.onDrain();
    });
    webSocket.pause();
  }

  start(): void {
    if (this.#isStarted) return this.resume();
    this.#isStarted = true;
    if (this.#isClosed) {
      queueMicrotask(() => this.#reportClose());
      return;
    }
    const waiting = this.#waiting;
    this.#waiting = [];
    queueMicrotask(() => {
      for (const bytes of waiting) this.onData(bytes);
      if (!this.#isPaused) this.#webSocket.resume();
    });
  }

  write(bytes: Bytes): boolean {
    if (!this.#isOpen) return true;
    this.#webSocket.send(bytes, { binary: true }, nothing);
    return !this.#needsDrain;
  }

  writeAll(pieces: readonly Bytes[]): boolean {
    if (!this.#isOpen) return true;
    this.#socket?.cork();
    for (const piece of pieces) this.#webSocket.send(piece, { binary: true }, nothing);
    this.#socket?.uncork();
    return !this.#needsDrain;
  }

  get pendingBytes(): number {
    return this.#webSocket.bufferedAmount;
  }

  pause(): void {
    this.#isPaused = true;
    if (!this.#isLingering) this.#webSocket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#isStarted) this.#webSocket.resume();
  }

  end(): void {
    this.#webSocket.close(CLOSE_NORMAL);
  }

  /** The connection goes without a close frame, with RST where TCP carries it directly. */
  reset(): void {
    if (this.#isClosed || this.#isReset) return;
    this.#isReset = true;
    this.#isLingering = true;
    if (this.#socket !== undefined && this.kind === 'ws' && !this.#socket.writableEnded) this.#socket.resetAndDestroy();
    else this.#webSocket.terminate();
  }

  destroy(graceMs: number = LINGER_MS): void {
    if (this.#isClosed || this.#isLingering) return;
    this.#isLingering = true;
    if (graceMs === 0) {
      this.#webSocket.terminate();
      return;
    }
    this.#lingerTimer = setTimeout(() => this.#webSocket.terminate(), graceMs);
    this.#webSocket.close(CLOSE_NORMAL);
    this.#webSocket.resume();
  }

  tune(options: { readonly noDelay: boolean; readonly keepAliveMs?: number }): void {
    this.#socket?.setNoDelay(options.noDelay);
    if (options.keepAliveMs !== undefined) this.#socket?.setKeepAlive(true, options.keepAliveMs);
  }

  get #isOpen(): boolean {
    return !this.#isClosed && this.#webSocket.readyState === this.#webSocket.OPEN;
  }

  get #needsDrain(): boolean {
    return this.#socket?.writableNeedDrain ?? false;
  }

  #received(content: Buffer, isWelcome: boolean): void {
    if (this.#isLingering) return;
    if (!isWelcome) {
      this.#cause = new Error('a text message came, only binary ones are expected');
      this.#isReset = true;
      this.#isLingering = true;
      this.#webSocket.close(CLOSE_UNSUPPORTED);
      this.#webSocket.terminate();
    } else if (this.#isStarted) {
      this.onData(content);
    } else {
      this.#waiting.push(content);
    }
  }

  #closed(code: number): void {
    this.#isClosed = true;
    if (!ORDERLY_CODES.has(code)) {
      this.#isReset = true;
      this.#cause ??= new Error(`the WebSocket was closed with code ${code}`);
    }
    clearTimeout(this.#lingerTimer);
    if (this.#isStarted) this.#reportClose();
  }

  #reportClose(): void {
    this.onClose({ reset: this.#isReset, ...(this.#cause === undefined ? {} : { cause: this.#cause }) });
  }
}
