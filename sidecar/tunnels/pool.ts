import { XpsError } from '../../base/errors.ts';
import type { PoolConfig } from '../config/schema.ts';
import type { Link } from './link.ts';

const FIRST_REST_MS = 500;
const LONGEST_REST_MS = 30_000;

/** How long no channel is opened ahead of need after so many failures in a row. */
export function longestRestMs(failures: number): number {
  return Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** Math.min(failures - 1, 10));
}

/** The channels of a client tunnel that carry no stream, whoever keeps them: a pool here, or the data plane. */
export interface KeptChannels {
  readonly idleCount: number;
  startWarming(): void;
  /** A channel whose stream is over. */
  giveBack(link: Link): void;
  /** The channel is gone, or may take no further stream. */
  remove(link: Link): void;
  /** The server did not confirm a channel: opening another one at once would fail as well. */
  openingFailed(): void;
  confirmed(): void;
  /** A few times a second: expiry, and warm channels. */
  beat(): void;
  /** No more warm channels; those who wait are still served. */
  drain(): void;
  /** Those who still wait are told. */
  abandon(error: XpsError): void;
}

/** An application connection that waits for a channel. */
export interface Waiter {
  /** `isWarm`: the channel was there already. */
  take(link: Link, isWarm: boolean): void;
  fail(error: XpsError): void;
}

export interface PoolOptions {
  readonly config: PoolConfig;
  /** Handshakes under way at most. */
  readonly maxOpening: number;
  /** Dials and shakes hands; resolves when a stream may be opened. Rejects with an XpsError. */
  readonly open: () => Promise<Link>;
  readonly nowMs: () => number;
}

interface Idle {
  readonly link: Link;
  readonly sinceMs: number;
}

/**
 * Channels of a client tunnel that carry no stream. The one that was used last is used next, so that the
 * others can grow old; `warm` of them are kept ready ahead of need.
 */
export class ChannelPool implements KeptChannels {
  readonly #options: PoolOptions;
  #idle: Idle[] = [];
  readonly #waiters: Waiter[] = [];
  #opening = 0;
  #failures = 0;
  #restsUntilMs = 0;
  #isWarming = false;
  #isDraining = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  get idleCount(): number {
    return this.#idle.length;
  }

  get waiting(): number {
    return this.#waiters.length;
  }

  startWarming(): void {
    this.#isWarming = true;
    this.#fill();
  }

  take(waiter: Waiter): void {
    const link = this.#idle.pop()?.link;
    if (link === undefined) this.#waiters.push(waiter);
    else waiter.take(link, true);
    this.#fill();
  }

  /** A channel whose stream is over. */
  giveBack(link: Link): void {
    this.#offer(link, true);
    this.#fill();
  }

  /** The channel is gone, or may take no further stream. */
  remove(link: Link): void {
    this.#idle = this.#idle.filter((idle) => idle.link !== link);
  }

  /** The server did not confirm a channel: opening another one at once would fail as well. */
  openingFailed(): void {
    this.#failures += 1;
    this.#restsUntilMs = this.#options.nowMs() + longestRestMs(this.#failures);
  }

  confirmed(): void {
    this.#failures = 0;
    this.#restsUntilMs = 0;
  }

  /** A few times a second: expiry, and warm channels. */
  beat(): void {
    const { idleMs, warm } = this.#options.config;
    const nowMs = this.#options.nowMs();
    while (this.#idle.length > warm && nowMs - (this.#idle[0]?.sinceMs ?? nowMs) > idleMs) this.#idle.shift()?.link.close();
    this.#fill();
  }

  /** No more warm channels; those who wait are still served. */
  drain(): void {
    this.#isDraining = true;
    for (const { link } of this.#idle) link.close();
    this.#idle = [];
  }

  /** Those who still wait are told. */
  abandon(error: XpsError): void {
    for (const waiter of this.#waiters.splice(0)) waiter.fail(error);
  }

  #fill(): void {
    const { config, maxOpening, nowMs } = this.#options;
    const isResting = nowMs() < this.#restsUntilMs;
    const warm = this.#isWarming && !this.#isDraining && !isResting ? Math.max(0, config.warm - this.#idle.length) : 0;
    let wanted = Math.min(this.#waiters.length + warm, maxOpening) - this.#opening;
    for (; wanted > 0; wanted -= 1) this.#open();
  }

  #open(): void {
    this.#opening += 1;
    this.#options.open().then(
      (link) => {
        this.#opening -= 1;
        this.#offer(link, false);
        this.#fill();
      },
      (thrown: unknown) => {
        this.#opening -= 1;
        this.openingFailed();
        const error = thrown instanceof XpsError ? thrown : new XpsError('internal_error', { cause: thrown });
        this.#waiters.shift()?.fail(error);
        this.#fill();
      },
    );
  }

  #offer(link: Link, isWarm: boolean): void {
    if (link.isOver) return;
    if (!link.channel.canOpen) {
      link.close();
      return;
    }
    const waiter = this.#waiters.shift();
    if (waiter !== undefined) {
      waiter.take(link, isWarm);
    } else if (this.#isDraining) {
      link.close();
    } else {
      this.#idle.push({ link, sinceMs: this.#options.nowMs() });
      if (this.#idle.length > this.#options.config.maxIdle) this.#idle.shift()?.link.close();
    }
  }
}
