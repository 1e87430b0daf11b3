const INTERVAL_MS = 100;

/**
 * One timer for everything that watches deadlines: thousands of channels cost one wake-up instead
 * of a timer each. Deadlines are therefore exact to about a tenth of a second.
 */
export class Heartbeat implements Disposable {
  readonly #listeners = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;

  /** Calls `listener` about ten times a second until the returned function is called. */
  add(listener: () => void): () => void {
    this.#listeners.add(listener);
    this.#timer ??= setInterval(() => this.#beat(), INTERVAL_MS);
    return () => this.#remove(listener);
  }

  [Symbol.dispose](): void {
    this.#listeners.clear();
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #beat(): void {
    for (const listener of this.#listeners) listener();
  }

  #remove(listener: () => void): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size === 0) this[Symbol.dispose]();
  }
}
