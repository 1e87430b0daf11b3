import { createHash, hash, type Hash } from 'node:crypto';
import type { Bytes } from '../../base/bytes.ts';
import { XpsError } from '../../base/errors.ts';
import type { HashAlgorithm, HashProvider, RunningHash } from '../contract.ts';
import { HASH_LENGTH } from '../signature-algorithms.ts';
import { plain } from './key-objects.ts';

const BLOCK_LENGTH: Readonly<Record<HashAlgorithm, number>> = { sha256: 64, sha384: 128, sha512: 128 };

export const opensslHash: HashProvider = {
  name: 'openssl',
  hash: (algorithm, bytes) => plain(hash(algorithm, bytes, 'buffer')),
  running: (algorithm) => new OpensslRunningHash(createHash(algorithm)),
  hmac,
  hkdfExtract: (algorithm, salt, ikm) => hmac(algorithm, salt, ikm),
  hkdfExpand,
};

/** What one HMAC reads: longer messages get a buffer of their own. */
const SCRATCH_LENGTH = 1024;
const MAX_BLOCK_LENGTH = 128;
const innerScratch = new Uint8Array(MAX_BLOCK_LENGTH + SCRATCH_LENGTH);
const outerScratch = new Uint8Array(MAX_BLOCK_LENGTH + HASH_LENGTH.sha512);

/**
 * RFC 2104 over one-shot hashes. A handshake makes 50 of them: as many Hmac objects and KeyObjects cost more than the hashing,
 * most of it in the garbage collector. The pads hold key material and are wiped.
 */
function hmac(algorithm: HashAlgorithm, key: Bytes, bytes: Bytes): Uint8Array<ArrayBuffer> {
  const blockLength = BLOCK_LENGTH[algorithm];
  const shortKey = key.length > blockLength ? plain(hash(algorithm, key, 'buffer')) : key;
  const inner = bytes.length <= SCRATCH_LENGTH ? innerScratch : new Uint8Array(blockLength + bytes.length);
  const outer = outerScratch;
  for (let i = 0; i < blockLength; i += 1) {
    const byte = shortKey[i] ?? 0;
    inner[i] = byte ^ 0x36;
    outer[i] = byte ^ 0x5c;
  }
  inner.set(bytes, blockLength);
  const digest = hash(algorithm, inner.subarray(0, blockLength + bytes.length), 'buffer');
  outer.set(digest, blockLength);
  const mac = plain(hash(algorithm, outer.subarray(0, blockLength + digest.length), 'buffer'));
  inner.fill(0, 0, blockLength + bytes.length);
  outer.fill(0);
  if (shortKey !== key) shortKey.fill(0);
  return mac;
}

/** RFC 5869 §2.3: `hkdfSync` costs three times as much for the short outputs used here. */
function hkdfExpand(algorithm: HashAlgorithm, prk: Bytes, info: Bytes, length: number): Uint8Array<ArrayBuffer> {
  const blockLength = HASH_LENGTH[algorithm];
  if (!Number.isInteger(length) || length < 0 || length > 255 * blockLength) {
    throw new XpsError('internal_error', { detail: `HKDF cannot give ${length} bytes` });
  }
  const okm = new Uint8Array(length);
  let block: Bytes = new Uint8Array(0);
  for (let at = 0; at < length; at += blockLength) {
    const input = new Uint8Array(block.length + info.length + 1);
    input.set(block);
    input.set(info, block.length);
    input[input.length - 1] = at / blockLength + 1;
    block.fill(0);
    block = hmac(algorithm, prk, input);
    input.fill(0);
    okm.set(block.subarray(0, length - at), at);
  }
  block.fill(0);
  return okm;
}

class OpensslRunningHash implements RunningHash {
  readonly #hash: Hash;

  constructor(running: Hash) {
    this.#hash = running;
  }

  update(bytes: Bytes): void {
    this.#hash.update(bytes);
  }

  digest(): Uint8Array<ArrayBuffer> {
    return plain(this.#hash.copy().digest());
  }

  copy(): RunningHash {
    return new OpensslRunningHash(this.#hash.copy());
  }
}
