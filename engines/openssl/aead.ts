import { hchacha } from '@noble/ciphers/chacha.js';
import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  getCiphers,
  type CipherGCMTypes,
  type KeyObject,
} from 'node:crypto';
import type { Bytes } from '../../base/bytes.ts';
import { checkAeadKey, checkNonce, checkOpenBuffers, checkSealBuffers, disposed, TAG_LENGTH } from '../aead-arguments.ts';
import type { AeadAlgorithm, AeadCipher, AeadProvider } from '../contract.ts';

const OPTIONS = { authTagLength: TAG_LENGTH } as const;

/** `chacha20-poly1305` has the same calls; the types of @types/node differ in options that are not used here. */
type CipherName = CipherGCMTypes;

const NAMES: Readonly<Record<AeadAlgorithm, CipherName>> = {
  AES_GCM: 'aes-256-gcm',
  CHACHA20_POLY1305: 'chacha20-poly1305' as CipherName,
  XCHACHA20_POLY1305: 'chacha20-poly1305' as CipherName,
};

/** What this OpenSSL can do: a FIPS build has no ChaCha20. */
export function opensslAead(): AeadProvider {
  const known = new Set(getCiphers());
  const algorithms = (Object.keys(NAMES) as AeadAlgorithm[]).filter((algorithm) => known.has(NAMES[algorithm]));
  return {
    name: 'openssl',
    algorithms,
    create(algorithm, key) {
      checkAeadKey(algorithm, key);
      return algorithm === 'XCHACHA20_POLY1305' ? new XChaChaCipher(key) : new OpensslCipher(algorithm, key);
    },
  };
}

/**
 * A KeyObject keeps the key in OpenSSL's memory. JavaScript cannot wipe it there: disposing drops the only reference,
 * and OpenSSL cleanses the memory when the garbage collector frees it.
 */
class OpensslCipher implements AeadCipher {
  readonly algorithm: AeadAlgorithm;
  readonly provider = 'openssl';
  #key: KeyObject | undefined;

  constructor(algorithm: AeadAlgorithm, key: Bytes) {
    this.algorithm = algorithm;
    this.#key = createSecretKey(key);
  }

  seal(nonce: Bytes, aad: Bytes, plaintext: Bytes, out: Bytes): void {
    if (this.#key === undefined) throw disposed();
    checkNonce(this.algorithm, nonce);
    checkSealBuffers(plaintext, out);
    seal(NAMES[this.algorithm], this.#key, nonce, aad, plaintext, out);
  }

  open(nonce: Bytes, aad: Bytes, sealed: Bytes, out: Bytes): boolean {
    if (this.#key === undefined) throw disposed();
    checkNonce(this.algorithm, nonce);
    if (!checkOpenBuffers(sealed, out)) return refuse(out);
    return open(NAMES[this.algorithm], this.#key, nonce, aad, sealed, out);
  }

  [Symbol.dispose](): void {
    this.#key = undefined;
  }
}

// "expand 32-byte k"
const SIGMA = new Uint32Array([0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]);

/**
 * draft-irtf-cfrg-xchacha-03 §2: HChaCha20 turns the key and 16 bytes of nonce into a key for ChaCha20-Poly1305, used
 * with the remaining 8. The key is held here, in memory that `dispose` wipes; the derived ones as above.
 */
class XChaChaCipher implements AeadCipher {
  readonly algorithm = 'XCHACHA20_POLY1305';
  readonly provider = 'openssl';
  readonly #key: Uint8Array<ArrayBuffer>;
  readonly #keyWords: Uint32Array<ArrayBuffer>;
  readonly #prefix = new Uint8Array(16);
  readonly #prefixWords = new Uint32Array(this.#prefix.buffer);
  readonly #subkey = new Uint8Array(32);
  readonly #subkeyWords = new Uint32Array(this.#subkey.buffer);
  readonly #shortNonce = new Uint8Array(12);
  #isDisposed = false;

  constructor(key: Bytes) {
    this.#key = Uint8Array.from(key);
    this.#keyWords = new Uint32Array(this.#key.buffer);
  }

  seal(nonce: Bytes, aad: Bytes, plaintext: Bytes, out: Bytes): void {
    if (this.#isDisposed) throw disposed();
    checkNonce(this.algorithm, nonce);
    checkSealBuffers(plaintext, out);
    seal(NAMES[this.algorithm], this.#derive(nonce), this.#shortNonce, aad, plaintext, out);
  }

  open(nonce: Bytes, aad: Bytes, sealed: Bytes, out: Bytes): boolean {
    if (this.#isDisposed) throw disposed();
    checkNonce(this.algorithm, nonce);
    if (!checkOpenBuffers(sealed, out)) return refuse(out);
    return open(NAMES[this.algorithm], this.#derive(nonce), this.#shortNonce, aad, sealed, out);
  }

  [Symbol.dispose](): void {
    this.#key.fill(0);
    this.#isDisposed = true;
  }

  #derive(nonce: Bytes): KeyObject {
    this.#prefix.set(nonce.subarray(0, 16));
    this.#shortNonce.set(nonce.subarray(16), 4);
    hchacha(SIGMA, this.#keyWords, this.#prefixWords, this.#subkeyWords);
    const key = createSecretKey(this.#subkey);
    this.#subkey.fill(0);
    return key;
  }
}

function seal(name: CipherName, key: KeyObject, nonce: Bytes, aad: Bytes, plaintext: Bytes, out: Bytes): void {
  const cipher = createCipheriv(name, key, nonce, OPTIONS);
  cipher.setAAD(aad);
  out.set(cipher.update(plaintext));
  cipher.final();
  out.set(cipher.getAuthTag(), plaintext.length);
}

/** OpenSSL decrypts before it has seen the tag: the text waits in a buffer of its own, which is wiped either way. */
function open(name: CipherName, key: KeyObject, nonce: Bytes, aad: Bytes, sealed: Bytes, out: Bytes): boolean {
  const decipher = createDecipheriv(name, key, nonce, OPTIONS);
  decipher.setAAD(aad);
  decipher.setAuthTag(sealed.subarray(out.length));
  const unverified = decipher.update(sealed.subarray(0, out.length));
  try {
    decipher.final();
    out.set(unverified);
    return true;
  } catch {
    return refuse(out);
  } finally {
    unverified.fill(0);
  }
}

function refuse(out: Bytes): false {
  out.fill(0);
  return false;
}
