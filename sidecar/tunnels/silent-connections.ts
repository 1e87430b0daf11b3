import type { Bytes } from '../../base/bytes.ts';
import type { Transport } from '../transports/transport.ts';

interface Silent {
  readonly transport: Transport;
  readonly sinceMs: number;
  readonly onGone: (why: 'timeout' | 'closed') => void;
}

/**
 * Connections of which no byte has come. Most of a flood are such: they get no channel, hardly any memory, and
 * one look a tenth of a second for all of them.
 */
export class SilentConnections {
  readonly #timeoutMs: number;
  readonly #nowMs: () => number;
  /** In the order of their arrival. */
  readonly #silent = new Set<Silent>();

  constructor(timeoutMs: number, nowMs: () => number) {
    this.#timeoutMs = timeoutMs;
    this.#nowMs = nowMs;
  }

  get size(): number {
    return this.#silent.size;
  }

  /**
   * Exactly one of the two is called, unless it is dropped with the returned function before: `onSpoken` with the first bytes
   * and the milliseconds they took, or `onGone`. The transport is closed then.
   */
  add(transport: Transport, onSpoken: (first: Bytes, waitedMs: number) => void, onGone: Silent['onGone']): () => void {
    const silent: Silent = { transport, sinceMs: this.#nowMs(), onGone };
    this.#silent.add(silent);
    transport.onData = (first) => {
      this.#silent.delete(silent);
      onSpoken(first, this.#nowMs() - silent.sinceMs);
    };
    transport.onEnd = () => this.#remove(silent, 'closed');
    transport.onClose = () => this.#remove(silent, 'closed');
    transport.start();
    return () => {
      this.#silent.delete(silent);
      transport.destroy(0);
    };
  }

  /** Closes those whose time is over. */
  beat(): void {
    const before = this.#nowMs() - this.#timeoutMs;
    for (const silent of this.#silent) {
      if (silent.sinceMs > before) return;
      this.#remove(silent, 'timeout');
    }
  }

  close(): void {
    for (const silent of this.#silent) this.#remove(silent, 'closed');
  }

  #remove(silent: Silent, why: 'timeout' | 'closed'): void {
    if (!this.#silent.delete(silent)) return;
    silent.transport.destroy(0);
    silent.onGone(why);
  }
}
