/** When a generation has to go: docs/PROTOCOL.md §9.7 and §13. */

export interface RekeyLimits {
  /** Records under one key and direction: `crypto.tls.rekey_messages`. */
  readonly messages: number;
  /** Age of a generation in milliseconds: `crypto.tls.rekey_minutes`. */
  readonly ageMs: number;
  /** Content bytes under one key and direction. */
  readonly bytes: number;
  /** From the request to the end. */
  readonly deadlineMs: number;
  /** From the moment a rekey fell due to the end. */
  readonly overdueMs: number;
}

export const DEFAULT_REKEY_LIMITS: RekeyLimits = {
  messages: 2_000_000,
  ageMs: 3_600_000,
  bytes: 32 * 2 ** 30,
  deadlineMs: 30_000,
  overdueMs: 300_000,
};

export type RekeyTrigger = 'messages' | 'bytes' | 'age' | 'demand';

interface Usage {
  readonly records: number;
  readonly bytes: number;
}

export class RekeySchedule {
  readonly #limits: RekeyLimits;
  #installedAtMs: number;
  #demanded = false;
  #dueSinceMs: number | undefined;

  constructor(limits: RekeyLimits, nowMs: number) {
    this.#limits = limits;
    this.#installedAtMs = nowMs;
  }

  get limits(): RekeyLimits {
    return this.#limits;
  }

  /** When the age limit will be reached. */
  get ageDueAtMs(): number {
    return this.#installedAtMs + this.#limits.ageMs;
  }

  /** Trust, revocation data or policy changed. */
  demand(): void {
    this.#demanded = true;
  }

  isDue(sent: Usage, received: Usage, nowMs: number): RekeyTrigger | undefined {
    const trigger = this.#trigger(sent, received, nowMs);
    if (trigger !== undefined) this.#dueSinceMs ??= nowMs;
    return trigger;
  }

  isOverdue(nowMs: number): boolean {
    return this.#dueSinceMs !== undefined && nowMs - this.#dueSinceMs > this.#limits.overdueMs;
  }

  installed(nowMs: number): void {
    this.#installedAtMs = nowMs;
    this.#demanded = false;
    this.#dueSinceMs = undefined;
  }

  #trigger(sent: Usage, received: Usage, nowMs: number): RekeyTrigger | undefined {
    const { messages, bytes } = this.#limits;
    if (sent.records >= messages || received.records >= messages) return 'messages';
    if (sent.bytes >= bytes || received.bytes >= bytes) return 'bytes';
    if (nowMs >= this.ageDueAtMs) return 'age';
    return this.#demanded ? 'demand' : undefined;
  }
}
