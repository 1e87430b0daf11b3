import type { Bytes } from '../../base/bytes.ts';
import { XpsError } from '../../base/errors.ts';
import type { ChannelHandler, SecureChannel } from '../../channel/channel.ts';
import type { Destination, ResetReason } from '../../channel/messages/stream-messages.ts';
import type { RekeyTrigger } from '../../channel/rekey-schedule.ts';
import type { MintedTicket } from '../../channel/session.ts';
import type { Established } from '../../handshake/effects.ts';
import type { Heartbeat } from '../heartbeat.ts';
import { explain } from '../transports/network-errors.ts';
import type { CarriedChannel } from '../plane/carried-channel.ts';
import { ReleasedTransport } from '../transports/released-transport.ts';
import { SocketTransport } from '../transports/socket-transport.ts';
import type { Transport } from '../transports/transport.ts';

/** While a verdict is awaited or a rekey needs the peer, at most this much is read ahead. */
const VERDICT_READ_AHEAD = 128 * 1024;
const REKEY_READ_AHEAD = 32 * 1024 * 1024;

/** Whoever uses the stream of a link: the relay to an application. */
export interface StreamUser {
  onData(content: Bytes): void;
  onEnd(): void;
  onReset(reason: ResetReason): void;
  /** More may be sent: the transport took what was written, or the channel was confirmed. */
  onWritable(): void;
  /** The channel is gone in the middle of the stream. */
  onLost(error: XpsError): void;
  /** Bytes that the application has not taken yet. */
  readonly pendingBytes: number;
}

/** Whoever owns the link: a tunnel. */
export interface LinkOwner {
  /** C: a stream may be opened, though the server has not confirmed yet. */
  onReady(link: Link): void;
  onEstablished(link: Link, established: Established): void;
  onOpen(link: Link, destination: Destination): void;
  onStreamOver(link: Link): void;
  onRetire(link: Link): void;
  onTicket(link: Link, ticket: MintedTicket): void;
  onRekeyed(link: Link, generation: number, trigger: RekeyTrigger | 'peer'): void;
  /** Once, as the last call. Without an error the end was in order. */
  onOver(link: Link, error: XpsError | undefined): void;
}

/** A channel on its transport: moves bytes between both, minds backpressure and time. */
export class Link {
  #transport: Transport;
  readonly channel: SecureChannel;
  readonly #owner: LinkOwner;
  readonly #stopBeat: () => void;
  #user: StreamUser | undefined;
  #isReadingWanted = true;
  #isPaused = false;
  #isOver = false;
  #carried: CarriedChannel | undefined;

  constructor(transport: Transport, makeChannel: (handler: ChannelHandler) => SecureChannel, heartbeat: Heartbeat, owner: LinkOwner) {
    this.#transport = transport;
    this.#owner = owner;
    this.channel = makeChannel(this.#handler());
    this.#stopBeat = heartbeat.add(() => this.#beat());
    transport.onData = (bytes) => this.#receive(bytes);
    transport.onEnd = () => this.channel.transportEnded();
    transport.onDrain = () => this.#user?.onWritable();
    transport.onClose = ({ cause }) => this.#lost(cause);
  }

  start(): void {
    this.transport.start();
    this.channel.start();
  }

  get transport(): Transport {
    return this.#transport;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get isBusy(): boolean {
    return this.#carried === undefined ? this.#user !== undefined : !this.#carried.isIdle;
  }

  /** Bytes that were written and that the kernel has not taken. */
  get pendingBytes(): number {
    return this.transport.pendingBytes;
  }

  /** Since `handOver`. */
  get carried(): CarriedChannel | undefined {
    return this.#carried;
  }

  /**
   * A data plane moves the bytes from now on: `adopt` duplicates the descriptor. What the channel decides stays here. False
   * where this transport or moment does not allow it, or the plane has failed.
   */
  handOver(adopt: (descriptor: number, unread: Bytes) => CarriedChannel): boolean {
    const { transport } = this;
    if (!(transport instanceof SocketTransport) || !this.channel.canHandOff) return false;
    const isReleased = transport.release((descriptor, unread) => {
      this.#carried = adopt(descriptor, unread);
    });
    // The socket of a channel that lives for days would be kept for nothing.
    if (isReleased) this.#transport = new ReleasedTransport(transport);
    return isReleased;
  }

  attach(user: StreamUser): void {
    this.#user = user;
  }

  detach(): void {
    this.#user = undefined;
    this.resumeReading();
  }

  /** The application takes no more for now. */
  pauseReading(): void {
    this.#isReadingWanted = false;
    this.#steer();
  }

  resumeReading(): void {
    this.#isReadingWanted = true;
    this.#steer();
  }

  /** C: orderly end. */
  close(): void {
    this.channel.close();
  }

  fail(error: XpsError): void {
    this.channel.fail(error);
  }

  /** Gone at once, without a word: for connections that never proved anything. */
  drop(error: XpsError): void {
    this.channel[Symbol.dispose]();
    this.#finish(error, 0);
  }

  #receive(bytes: Bytes): void {
    this.channel.receive(bytes);
    this.#steer();
  }

  #beat(): void {
    this.channel.tick();
    this.#steer();
  }

  /** Reading follows the application, except that a rekey must not wait for it (docs/PROTOCOL.md §9.5). */
  #steer(): void {
    if (this.#isOver || this.#carried !== undefined) return;
    const isAhead = this.channel.bufferedBytes > VERDICT_READ_AHEAD;
    const isRekeyServed = this.channel.needsPeer && (this.#user?.pendingBytes ?? 0) < REKEY_READ_AHEAD;
    const isPaused = isAhead || !(this.#isReadingWanted || isRekeyServed);
    if (isPaused === this.#isPaused) return;
    this.#isPaused = isPaused;
    if (isPaused) this.transport.pause();
    else this.transport.resume();
  }

  #handler(): ChannelHandler {
    return {
      onOutput: () => {
        this.transport.writeAll(this.channel.takeOutput());
      },
      onReady: () => this.#owner.onReady(this),
      onEstablished: (established) => {
        this.#owner.onEstablished(this, established);
        this.#user?.onWritable();
      },
      onOpen: (destination) => this.#owner.onOpen(this, destination),
      onData: (content) => this.#user?.onData(content),
      onEnd: () => this.#user?.onEnd(),
      onReset: (reason) => this.#user?.onReset(reason),
      onStreamOver: () => this.#owner.onStreamOver(this),
      onRetire: () => this.#owner.onRetire(this),
      onTicket: (ticket) => this.#owner.onTicket(this, ticket),
      onRekeyed: (generation, trigger) => this.#owner.onRekeyed(this, generation, trigger),
      onClosed: () => this.#finish(undefined),
      onFailed: (error) => this.#finish(error),
    };
  }

  #finish(error: XpsError | undefined, graceMs?: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopBeat();
    this.transport.destroy(graceMs);
    const user = this.#user;
    this.#user = undefined;
    if (error !== undefined) user?.onLost(error);
    this.#owner.onOver(this, error);
  }

  #lost(cause: Error | undefined): void {
    if (this.channel.isOver) return;
    this.channel.fail(new XpsError('channel_truncated', {
      detail: cause === undefined ? 'the transport was closed' : `the transport failed: ${explain(cause)}`,
      cause,
    }));
  }
}
