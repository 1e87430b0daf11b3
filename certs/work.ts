import type { Budgets } from './request.ts';

/** Thrown when a budget is used up; never leaves `validatePath`. */
export class BudgetExceeded extends Error {
  override readonly name = 'BudgetExceeded';
}

/** Counts the work of one verdict, so that a hostile chain costs milliseconds whatever it looks like. */
export class Work {
  #signatures: number;
  #steps: number;
  #nameComparisons: number;

  constructor({ signatures, steps, nameComparisons }: Budgets) {
    this.#signatures = signatures;
    this.#steps = steps;
    this.#nameComparisons = nameComparisons;
  }

  signature(): void {
    this.#signatures -= 1;
    if (this.#signatures < 0) throw new BudgetExceeded('too many signatures would have to be verified');
  }

  step(): void {
    this.#steps -= 1;
    if (this.#steps < 0) throw new BudgetExceeded('too many ways lead from certificate to certificate');
  }

  nameComparisons(count: number): void {
    this.#nameComparisons -= count;
    if (this.#nameComparisons < 0) throw new BudgetExceeded('too many names would have to be compared with name constraints');
  }
}
