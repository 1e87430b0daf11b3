import type { Bytes } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';
import type { Crypto } from '../engines/contract.ts';

/**
 * Pins: SHA-256 of a DER SubjectPublicKeyInfo as `sha256/` and base64. They hold for keys, so that a renewed certificate
 * with the same key still fits. A pin is asked in addition to path validation, never instead of it.
 */

/** The pin in its only spelling, or undefined. */
export function readPin(text: string): string | undefined {
  const digest = /^sha256\/([A-Za-z0-9+/]{43}=)$/.exec(text)?.[1];
  // The last character carries 4 bits: without this check sixteen spellings would mean the same digest.
  return digest !== undefined && Buffer.from(digest, 'base64').toString('base64') === digest ? text : undefined;
}

export function pinOf(crypto: Crypto, spki: Bytes): string {
  return `sha256/${Buffer.from(crypto.hash.hash('sha256', spki)).toString('base64')}`;
}

/** A set of pins of which one must be on the path: several make room for a backup key. Empty: nothing is pinned. */
export class PinSet {
  readonly pins: readonly string[];
  readonly #wanted: ReadonlySet<string>;

  /** Throws `pin_invalid`. */
  constructor(pins: readonly string[]) {
    for (const pin of pins) {
      if (readPin(pin) === undefined) throw new XpsError('pin_invalid', { detail: `"${pin}"` });
    }
    this.#wanted = new Set(pins);
    this.pins = [...this.#wanted].toSorted();
  }

  /** Whether a key of the path, leaf or any CA up to the anchor, is pinned, or nothing is. */
  isPinned(pathPins: readonly string[]): boolean {
    return this.#wanted.size === 0 || pathPins.some((pin) => this.#wanted.has(pin));
  }

  /** Throws `certificate_pin_mismatch`. */
  refuse(pathPins: readonly string[]): never {
    throw new XpsError('certificate_pin_mismatch', { detail: `the path has ${pathPins.join(', ')}` });
  }
}
