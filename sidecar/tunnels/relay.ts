import type { Bytes } from '../../base/bytes.ts';
import type { XpsError } from '../../base/errors.ts';
import type { ResetReason } from '../../channel/messages/stream-messages.ts';
import type { Heartbeat } from '../heartbeat.ts';
import type { Transport } from '../transports/transport.ts';
import type { TunnelCounters } from './counters.ts';
import type { Link, StreamUser } from './link.ts';

/** Above this the writer is asked to stop; the same for both directions. */
const HIGH_WATER = 1024 * 1024;

export interface RelayOptions {
  readonly heartbeat: Heartbeat;
  readonly counters: TunnelCounters;
  /** Milliseconds without a byte in either direction after which the stream is reset; undefined: never. */
  readonly idleMs: number | undefined;
  readonly nowMs: () => number;
  /** Why the stream ended, for the log: undefined for an orderly end. */
  readonly onOver: (end: string | undefined) => void;
  /**
   * The channel was lost before a byte of the application went either way: the application, paused, may be
   * served by another one. Absent: it is reset like any other.
   */
  readonly onUnused?: (application: Transport) => void;
}

/**
 * One application connection and the stream that carries it. Half-closes, resets and backpressure
 * pass through; a channel that is lost is a reset for the application, never an orderly end.
 */
export class Relay implements StreamUser {
  readonly #link: Link;
  readonly #options: RelayOptions;
  readonly #stopBeat: () => void;
  #application: Transport | undefined;
  /** From the channel, before the application was there. */
  #early: Bytes[] = [];
  #earlyBytes = 0;
  #hasEarlyEnd = false;
  #hasMoved = false;
  #activeAtMs: number;
  /** The application has closed in order; what still comes for it has no place to go. */
  #isDiscarding = false;
  #isOver = false;

  /** The stream of `link` is open; `application` follows with `connect`, or is there already. */
  constructor(link: Link, options: RelayOptions, application?: Transport) {
    this.#link = link;
    this.#options = options;
    this.#activeAtMs = options.nowMs();
    this.#stopBeat = options.heartbeat.add(() => this.#beat());
    link.attach(this);
    if (application !== undefined) this.connect(application);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get pendingBytes(): number {
    return this.#earlyBytes + (this.#application?.pendingBytes ?? 0);
  }

  /** The application is there. */
  connect(application: Transport): void {
    if (this.#isOver) {
      application.reset();
      return;
    }
    this.#application = application;
    application.onData = (bytes) => this.#fromApplication(bytes);
    application.onEnd = () => this.#applicationEnded();
    application.onDrain = () => this.#link.resumeReading();
    application.onClose = ({ reset }) => this.#applicationClosed(reset);
    application.start();
    for (const piece of this.#early) application.write(piece);
    this.#early = [];
    this.#earlyBytes = 0;
    if (this.#hasEarlyEnd) application.end();
    if (application.pendingBytes < HIGH_WATER) this.#link.resumeReading();
  }

  /** The application cannot be reached, or may not be. */
  refuse(reason: ResetReason): void {
    this.#abort(reason, reason);
  }

  onData(content: Bytes): void {
    this.#activeAtMs = this.#options.nowMs();
    this.#hasMoved = true;
    this.#options.counters.bytesFromChannel += content.length;
    if (this.#isDiscarding) {
      this.#abort('reset', 'the application had closed and data still came for it');
    } else if (this.#application === undefined) {
      this.#early.push(content);
      this.#earlyBytes += content.length;
      this.#link.pauseReading();
    } else if (!this.#application.write(content)) {
      this.#link.pauseReading();
    }
  }

  onEnd(): void {
    if (this.#application === undefined) this.#hasEarlyEnd = true;
    else this.#application.end();
  }

  onReset(reason: ResetReason): void {
    this.#application?.reset();
    this.#finish(`the peer reset the stream: ${reason}`);
  }

  onWritable(): void {
    if (this.#link.channel.sendRoom > 0) this.#application?.resume();
  }

  onLost(error: XpsError): void {
    const application = this.#application;
    const { onUnused } = this.#options;
    if (!this.#hasMoved && application !== undefined && onUnused !== undefined) {
      application.pause();
      this.#finish(undefined);
      onUnused(application);
      return;
    }
    application?.reset();
    this.#finish(`the channel was lost: ${error.reason}`);
  }

  /** Both directions of the stream are over. */
  streamOver(): void {
    if (this.#isOver) return;
    this.#finish(undefined);
    this.#application?.destroy();
  }

  #fromApplication(bytes: Bytes): void {
    const { channel } = this.#link;
    if (!channel.canSend) return;
    this.#activeAtMs = this.#options.nowMs();
    this.#hasMoved = true;
    this.#options.counters.bytesToChannel += bytes.length;
    channel.sendData(bytes);
    // Before Confirm the channel takes 64 KiB (docs/PROTOCOL.md §6.9), after it what the transport takes.
    if (channel.sendRoom === 0 || this.#link.pendingBytes > HIGH_WATER) this.#application?.pause();
  }

  #applicationEnded(): void {
    this.#hasMoved = true;
    if (this.#link.channel.canSend) this.#link.channel.end();
  }

  /** A WebSocket is closed in both directions at once; the stream ends with the peer's End, or with its next byte. */
  #applicationClosed(isReset: boolean): void {
    if (this.#isOver) return;
    if (isReset) {
      this.#abort('reset', 'the application reset the connection');
      return;
    }
    this.#applicationEnded();
    if (this.#isOver) return;
    this.#application = undefined;
    this.#isDiscarding = true;
    this.#link.resumeReading();
  }

  #beat(): void {
    const { idleMs, nowMs } = this.#options;
    if (idleMs !== undefined && nowMs() - this.#activeAtMs >= idleMs) this.#abort('timed_out', `idle for ${idleMs} ms`);
  }

  /** Both sides are told by a reset. */
  #abort(reason: ResetReason, why: string): void {
    if (this.#isOver) return;
    const { channel } = this.#link;
    this.#finish(why);
    this.#application?.reset();
    if (channel.canSend || channel.canReceive) channel.reset(reason);
  }

  #finish(end: string | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopBeat();
    this.#early = [];
    this.#link.detach();
    this.#options.onOver(end);
  }
}
