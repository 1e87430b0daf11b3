import { gcm } from '@noble/ciphers/aes.js';
import { chacha20poly1305, xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import type { Bytes } from '../../base/bytes.ts';
import { checkAeadKey, checkNonce, checkOpenBuffers, checkSealBuffers, disposed } from '../aead-arguments.ts';
import type { AeadAlgorithm, AeadCipher, AeadProvider } from '../contract.ts';

/**
 * noble checks the tag before it decrypts. Its AES looks bytes up in tables, so its time may depend on the key where an
 * attacker shares the processor's cache; its ChaCha20 has no such tables.
 */
export const portableAead: AeadProvider = {
  name: 'portable',
  algorithms: ['AES_GCM', 'CHACHA20_POLY1305', 'XCHACHA20_POLY1305'],
  create(algorithm, key) {
    checkAeadKey(algorithm, key);
    return new PortableCipher(algorithm, Uint8Array.from(key));
  },
};

class PortableCipher implements AeadCipher {
  readonly algorithm: AeadAlgorithm;
  readonly provider = 'portable';
  readonly #key: Bytes;
  #isDisposed = false;

  /** Takes ownership of `key`. */
  constructor(algorithm: AeadAlgorithm, key: Bytes) {
    this.algorithm = algorithm;
    this.#key = key;
  }

  seal(nonce: Bytes, aad: Bytes, plaintext: Bytes, out: Bytes): void {
    this.#check(nonce);
    checkSealBuffers(plaintext, out);
    switch (this.algorithm) {
      case 'AES_GCM':
        out.set(gcm(this.#key, nonce, aad).encrypt(plaintext));
        break;
      case 'CHACHA20_POLY1305':
        chacha20poly1305(this.#key, nonce, aad).encrypt(plaintext, out);
        break;
      case 'XCHACHA20_POLY1305':
        xchacha20poly1305(this.#key, nonce, aad).encrypt(plaintext, out);
        break;
    }
  }

  open(nonce: Bytes, aad: Bytes, sealed: Bytes, out: Bytes): boolean {
    this.#check(nonce);
    const isLongEnough = checkOpenBuffers(sealed, out);
    if (isLongEnough && this.#decrypt(nonce, aad, sealed, out)) return true;
    out.fill(0);
    return false;
  }

  [Symbol.dispose](): void {
    this.#key.fill(0);
    this.#isDisposed = true;
  }

  #check(nonce: Bytes): void {
    if (this.#isDisposed) throw disposed();
    checkNonce(this.algorithm, nonce);
  }

  /** All arguments were checked, so that a wrong tag is the one thing noble can still throw for. */
  #decrypt(nonce: Bytes, aad: Bytes, sealed: Bytes, out: Bytes): boolean {
    try {
      switch (this.algorithm) {
        case 'AES_GCM': {
          const plaintext = gcm(this.#key, nonce, aad).decrypt(sealed);
          out.set(plaintext);
          plaintext.fill(0);
          return true;
        }
        case 'CHACHA20_POLY1305':
          chacha20poly1305(this.#key, nonce, aad).decrypt(sealed, out);
          return true;
        case 'XCHACHA20_POLY1305':
          xchacha20poly1305(this.#key, nonce, aad).decrypt(sealed, out);
          return true;
      }
    } catch {
      return false;
    }
  }
}
