import { x25519 } from '@noble/curves/ed25519.js';
import { sha3_256, shake256 } from '@noble/hashes/sha3.js';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import type { Bytes } from '../../base/bytes.ts';
import type { KeyExchangeProvider } from '../contract.ts';
import { keyExchangeProvider, type MlKem, type MlKemKey, type X25519Key } from '../key-exchange.ts';

/** noble computes with BigInt, which the language does not promise to do in constant time, nor to wipe. */
export const portableMlKem: MlKem = {
  generate: (seed) => new PortableMlKemKey(seed),
  // noble checks the modulus.
  encapsulate(encapsulationKey, message) {
    const { cipherText, sharedSecret } = ml_kem768.encapsulate(encapsulationKey, message);
    return { ciphertext: cipherText, sharedSecret };
  },
};

export const portableKeyExchange: KeyExchangeProvider = keyExchangeProvider({
  name: 'portable',
  x25519: (seed) => new PortableX25519Key(seed),
  mlKem: portableMlKem,
  shake256: (input, length) => shake256(input, { dkLen: length }),
  sha3_256(parts) {
    const hash = sha3_256.create();
    for (const part of parts) hash.update(part);
    return hash.digest();
  },
});

class PortableX25519Key implements X25519Key {
  readonly share: Bytes;
  readonly #key: Bytes;

  constructor(seed: Bytes | undefined) {
    this.#key = seed === undefined ? x25519.utils.randomSecretKey() : Uint8Array.from(seed);
    this.share = x25519.getPublicKey(this.#key);
  }

  agree(peerShare: Bytes): Bytes {
    return x25519.getSharedSecret(this.#key, peerShare);
  }

  [Symbol.dispose](): void {
    this.#key.fill(0);
  }
}

class PortableMlKemKey implements MlKemKey {
  readonly encapsulationKey: Bytes;
  readonly #key: Bytes;

  constructor(seed: Bytes | undefined) {
    const { publicKey, secretKey } = ml_kem768.keygen(seed);
    this.encapsulationKey = publicKey;
    this.#key = secretKey;
  }

  decapsulate(ciphertext: Bytes): Bytes {
    return ml_kem768.decapsulate(ciphertext, this.#key);
  }

  [Symbol.dispose](): void {
    this.#key.fill(0);
  }
}
