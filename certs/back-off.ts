/** How soon and how late something that was fetched is fetched again, whatever its own dates say. */
export interface RefreshTiming {
  readonly shortestMs: number;
  readonly longestMs: number;
}

/** Half of the time that is left, within the bounds. */
export function refreshPauseMs(leftMs: number, { shortestMs, longestMs }: RefreshTiming): number {
  return Math.min(Math.max(leftMs / 2, shortestMs), longestMs);
}

/** Growing pauses between attempts that fail: doubled each time, with a quarter of chance so that many do not beat in step. */
export class BackOff {
  readonly #firstMs: number;
  readonly #greatestMs: number;
  #failures = 0;

  constructor(firstMs: number, greatestMs: number) {
    this.#firstMs = firstMs;
    this.#greatestMs = greatestMs;
  }

  get failures(): number {
    return this.#failures;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  /** Milliseconds to wait after one more failure. */
  failed(): number {
    const whole = Math.min(this.#firstMs * 2 ** Math.min(this.#failures, 30), this.#greatestMs);
    this.#failures += 1;
    return whole * (0.75 + Math.random() / 4);
  }
}
