import * as hkdf from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import { XpsError } from '../../base/errors.ts';
import type { Bytes } from '../../base/bytes.ts';
import type { HashAlgorithm, HashProvider, RunningHash } from '../contract.ts';
import { HASH_LENGTH } from '../signature-algorithms.ts';

interface Hashes {
  readonly sha256: typeof sha256;
  readonly sha384: typeof sha384;
  readonly sha512: typeof sha512;
}

export const HASHES: Hashes = { sha256, sha384, sha512 };

/** What `create()` of the three has in common. */
interface NobleHash {
  update(bytes: Uint8Array): unknown;
  digest(): Uint8Array<ArrayBuffer>;
  clone(): NobleHash;
}

export const portableHash: HashProvider = {
  name: 'portable',
  hash: (algorithm, bytes) => HASHES[algorithm](bytes),
  running: (algorithm) => new PortableRunningHash(HASHES[algorithm].create()),
  hmac: (algorithm, key, bytes) => hmac(HASHES[algorithm], key, bytes),
  hkdfExtract: (algorithm, salt, ikm) => hkdf.extract(HASHES[algorithm], ikm, salt),
  hkdfExpand,
};

function hkdfExpand(algorithm: HashAlgorithm, prk: Bytes, info: Bytes, length: number): Uint8Array<ArrayBuffer> {
  if (!Number.isInteger(length) || length < 0 || length > 255 * HASH_LENGTH[algorithm]) {
    throw new XpsError('internal_error', { detail: `HKDF cannot give ${length} bytes` });
  }
  if (length === 0) return new Uint8Array(0);
  return hkdf.expand(HASHES[algorithm], prk, info, length);
}

class PortableRunningHash implements RunningHash {
  readonly #hash: NobleHash;

  constructor(running: NobleHash) {
    this.#hash = running;
  }

  update(bytes: Bytes): void {
    this.#hash.update(bytes);
  }

  digest(): Uint8Array<ArrayBuffer> {
    return this.#hash.clone().digest();
  }

  copy(): RunningHash {
    return new PortableRunningHash(this.#hash.clone());
  }
}
