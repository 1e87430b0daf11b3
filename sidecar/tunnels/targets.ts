import type { Address } from '../config/schema.ts';

const FIRST_REST_MS = 1000;
const LONGEST_REST_MS = 30_000;

interface Health {
  failures: number;
  restsUntilMs: number;
}

/**
 * Where a tunnel leads: the targets in the order of the configuration. One that failed rests for a while,
 * longer each time; when all rest, they are tried all the same.
 */
export class Targets<T extends Address> {
  readonly #addresses: readonly T[];
  readonly #health = new Map<T, Health>();

  constructor(addresses: readonly T[]) {
    this.#addresses = addresses;
  }

  inOrder(nowMs: number): readonly T[] {
    const isResting = (address: T): boolean => (this.#health.get(address)?.restsUntilMs ?? 0) > nowMs;
    return [...this.#addresses.filter((address) => !isResting(address)), ...this.#addresses.filter(isResting)];
  }

  failed(address: T, nowMs: number): void {
    const failures = (this.#health.get(address)?.failures ?? 0) + 1;
    const restMs = Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** Math.min(failures - 1, 10));
    this.#health.set(address, { failures, restsUntilMs: nowMs + restMs });
  }

  worked(address: T): void {
    this.#health.delete(address);
  }

  /** For status pages. */
  status(nowMs: number): readonly { readonly url: string; readonly isResting: boolean; readonly failures: number }[] {
    return this.#addresses.map((address) => {
      const health = this.#health.get(address);
      return { url: address.url, isResting: (health?.restsUntilMs ?? 0) > nowMs, failures: health?.failures ?? 0 };
    });
  }
}
