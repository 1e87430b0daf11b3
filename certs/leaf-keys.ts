import { type Bytes, toHex } from '../base/bytes.ts';
import { toXpsError, XpsError } from '../base/errors.ts';
import type { Crypto, VerifyingKey } from '../engines/contract.ts';
import { parseCertificate } from './certificate.ts';

const MAX_KEYS = 1024;

/** Public keys of leaves, for the signatures of handshakes. The same peers come again and again: keys are kept. */
export class LeafKeys {
  readonly #crypto: Crypto;
  readonly #keys = new Map<string, VerifyingKey>();

  constructor(crypto: Crypto) {
    this.#crypto = crypto;
  }

  /** Throws `certificate_malformed` or `certificate_weak`. */
  of(leaf: Bytes): VerifyingKey {
    const digest = toHex(this.#crypto.hash.hash('sha256', leaf));
    const known = this.#keys.get(digest);
    if (known !== undefined) return known;
    const key = this.#load(parseCertificate(leaf).spki);
    if (this.#keys.size >= MAX_KEYS) this.#keys.delete(this.#keys.keys().next().value as string);
    this.#keys.set(digest, key);
    return key;
  }

  #load(spki: Bytes): VerifyingKey {
    try {
      return this.#crypto.signature.loadVerifyingKey(spki);
    } catch (cause) {
      throw new XpsError('certificate_weak', { detail: `the key of the leaf: ${toXpsError(cause).detail}`, cause });
    }
  }
}
