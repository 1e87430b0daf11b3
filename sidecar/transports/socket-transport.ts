import type { Socket } from 'node:net';
import type { Bytes } from '../../base/bytes.ts';
import { networkSource, shownAddress } from './network-source.ts';
import type { Transport } from './transport.ts';

/** While a closed transport waits for its peer to take the last words, at most this much is read and thrown away. */
const LINGER_BYTES = 1024 * 1024;
const LINGER_MS = 1000;

function nothing(): void {
  // The owner has not assigned its handlers yet, or wants to hear no more.
}

/** TCP and UNIX sockets. The socket must be made with `allowHalfOpen` and not have been read from. */
export class SocketTransport implements Transport {
  readonly kind: 'tcp' | 'unix';
  readonly remote: string;
  readonly source: string;
  onData: (bytes: Bytes) => void = nothing;
  onEnd: () => void = nothing;
  onDrain: () => void = nothing;
  onClose: Transport['onClose'] = nothing;
  readonly #socket: Socket;
  #cause: Error | undefined;
  #isReset = false;
  #isStarted = false;
  #isClosed = false;
  #isLingering = false;
  #lingered = 0;
  #lingerTimer: NodeJS.Timeout | undefined;

  constructor(socket: Socket, kind: 'tcp' | 'unix', where?: string) {
    this.#socket = socket;
    this.kind = kind;
    this.remote = where ?? shownAddress(socket.remoteAddress, socket.remotePort);
    this.source = networkSource(socket.remoteAddress);
    socket.on('error', (error) => {
      this.#cause ??= error;
    });
    socket.on('close', (hadError) => this.#closed(hadError));
  }

  start(): void {
    if (this.#isStarted) return this.resume();
    this.#isStarted = true;
    if (this.#isClosed) {
      queueMicrotask(() => this.#reportClose());
      return;
    }
    this.#socket.on('data', (bytes: Buffer) => this.#received(bytes));
    this.#socket.on('end', () => {
      if (!this.#isLingering) this.onEnd();
    });
    this.#socket.on('drain', () => this.onDrain());
    this.#socket.resume();
  }

  write(bytes: Bytes): boolean {
    return this.#isWritable ? this.#socket.write(bytes) : true;
  }

  writeAll(pieces: readonly Bytes[]): boolean {
    if (!this.#isWritable) return true;
    const [only] = pieces;
    if (pieces.length === 1 && only !== undefined) return this.#socket.write(only);
    this.#socket.cork();
    for (const piece of pieces) this.#socket.write(piece);
    this.#socket.uncork();
    return !this.#socket.writableNeedDrain;
  }

  get pendingBytes(): number {
    return this.#socket.writableLength;
  }

  pause(): void {
    if (!this.#isLingering) this.#socket.pause();
  }

  resume(): void {
    if (this.#isStarted) this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  /** A UNIX socket knows no RST: its peer sees the end, or ECONNRESET where we had not read everything. */
  reset(): void {
    if (this.#isClosed || this.#isReset) return;
    this.#isReset = true;
    this.#isLingering = true;
    if (this.kind === 'unix') {
      this.#socket.destroy();
      return;
    }
    // While a FIN is on its way to the kernel, libuv refuses to reset.
    if (this.#socket.writableEnded && !this.#socket.writableFinished && this.#socket.writableLength === 0) {
      this.#socket.once('finish', () => this.#socket.resetAndDestroy());
    } else {
      this.#socket.resetAndDestroy();
    }
  }

  /**
   * A socket closed with unread bytes in it sends RST, which can destroy our last words at the peer:
   * what still comes is read and thrown away until the peer closes too, or the grace is over.
   */
  destroy(graceMs: number = LINGER_MS): void {
    if (this.#isClosed || this.#isLingering) return;
    this.#isLingering = true;
    if (graceMs === 0) {
      this.#socket.destroy();
      return;
    }
    this.#lingerTimer = setTimeout(() => this.#socket.destroy(), graceMs);
    this.#socket.end();
    if (!this.#isStarted) this.start();
    this.#socket.resume();
  }

  tune(options: { readonly noDelay: boolean; readonly keepAliveMs?: number }): void {
    if (this.kind === 'unix') return;
    this.#socket.setNoDelay(options.noDelay);
    if (options.keepAliveMs !== undefined) this.#socket.setKeepAlive(true, options.keepAliveMs);
  }

  /**
   * Lets go of the connection without ending it. `take` gets the descriptor, which it duplicates before it returns, and what was
   * read and not delivered yet. False, and nothing has changed, where bytes wait to be written or the connection is ending.
   */
  release(take: (descriptor: number, unread: Bytes) => void): boolean {
    // Node has no public way to a socket's descriptor; `readStop`, because `pause` reads on until a buffer is full.
    const { _handle: handle } = this.#socket as unknown as { readonly _handle: { readonly fd: number; readStop(): void } | null };
    if (handle === null || handle.fd < 0 || this.pendingBytes > 0 || !this.#isWritable || this.#isLingering) return false;
    handle.readStop();
    for (const handler of ['onData', 'onEnd', 'onDrain', 'onClose'] as const) this[handler] = nothing;
    // A paused socket gives all that it has at once, but it also emits it: by now nobody listens.
    this.#socket.pause();
    const unread = this.#socket.readableLength > 0 ? (this.#socket.read() as Buffer | null) : null;
    take(handle.fd, unread ?? new Uint8Array(0));
    this.#isLingering = true;
    this.#isReset = true;
    // The duplicate keeps the connection alive: no FIN is sent.
    this.#socket.destroy();
    return true;
  }

  get #isWritable(): boolean {
    return !this.#isClosed && !this.#socket.writableEnded && !this.#socket.destroyed;
  }

  #received(bytes: Bytes): void {
    if (!this.#isLingering) {
      this.onData(bytes);
      return;
    }
    this.#lingered += bytes.length;
    if (this.#lingered > LINGER_BYTES) this.#socket.destroy();
  }

  #closed(hadError: boolean): void {
    this.#isClosed = true;
    this.#isReset ||= hadError;
    clearTimeout(this.#lingerTimer);
    if (this.#isStarted) this.#reportClose();
  }

  #reportClose(): void {
    this.onClose({ reset: this.#isReset, ...(this.#cause === undefined ? {} : { cause: this.#cause }) });
  }
}
