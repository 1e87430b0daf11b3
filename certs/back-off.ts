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
