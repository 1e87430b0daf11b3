import { inspect } from 'node:util';
import type { Bytes } from './bytes.ts';

/**
 * Key material: cannot be printed, and is overwritten when its scope ends (`using`).
 * JavaScript engines may keep copies that this cannot reach; docs/THREAT-MODEL.md says what that means.
 */
export class Secret implements Disposable {
  readonly #bytes: Bytes;
  #isWiped = false;

  /** Takes ownership of `bytes`: they are overwritten on dispose. */
  constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  get length(): number {
    return this.#bytes.length;
  }

  get isWiped(): boolean {
    return this.#isWiped;
  }

  /** The bytes themselves, for the one call that consumes them. Throws after disposal. */
  reveal(): Bytes {
    if (this.#isWiped) throw new TypeError('a secret was used after it was wiped');
    return this.#bytes;
  }

  [Symbol.dispose](): void {
    this.#bytes.fill(0);
    this.#isWiped = true;
  }

  toJSON(): string {
    return '[secret]';
  }

  toString(): string {
    return '[secret]';
  }
}

Object.defineProperty(Secret.prototype, inspect.custom, { value: () => '[secret]' });
