import type { Fields, Log } from '../log.ts';

const BURST = 20;
const LINES_PER_SECOND = 2;

/** Failures that a stranger can cause at will: at most so many lines, and the next one says how many were left out. */
export class LimitedLog {
  readonly #log: Log;
  readonly #nowMs: () => number;
  #credit = BURST;
  #filledAtMs: number;
  #suppressed = 0;

  constructor(log: Log, nowMs: () => number) {
    this.#log = log;
    this.#nowMs = nowMs;
    this.#filledAtMs = nowMs();
  }

  warn(message: string, fields: Fields): void {
    const nowMs = this.#nowMs();
    this.#credit = Math.min(BURST, this.#credit + ((nowMs - this.#filledAtMs) / 1000) * LINES_PER_SECOND);
    this.#filledAtMs = nowMs;
    if (this.#credit < 1) {
      this.#suppressed += 1;
      return;
    }
    this.#credit -= 1;
    this.#log.warn(message, this.#suppressed === 0 ? fields : { ...fields, suppressed: this.#suppressed });
    this.#suppressed = 0;
  }
}
