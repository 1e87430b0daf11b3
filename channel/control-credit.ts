import { XpsError } from '../base/errors.ts';

const CAPACITY = 32;
const REFILL_PER_SECOND = 4;

/** docs/PROTOCOL.md §7.2: bounds what a peer can make us do without moving data. */
export class ControlCredit {
  #credit = CAPACITY;
  #refilledAtMs: number;

  constructor(nowMs: number) {
    this.#refilledAtMs = nowMs;
  }

  fill(): void {
    this.#credit = CAPACITY;
  }

  spend(nowMs: number): void {
    const earned = ((nowMs - this.#refilledAtMs) / 1000) * REFILL_PER_SECOND;
    this.#credit = Math.min(CAPACITY, this.#credit + earned);
    this.#refilledAtMs = nowMs;
    if (this.#credit < 1) throw new XpsError('control_flood');
    this.#credit -= 1;
  }
}
