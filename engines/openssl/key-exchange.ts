import {
  createHash,
  createPrivateKey,
  createPublicKey,
  decapsulate,
  diffieHellman,
  encapsulate,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { concat, fromHex, type Bytes } from '../../base/bytes.ts';
import { XpsError } from '../../base/errors.ts';
import type { KeyExchangeProvider } from '../contract.ts';
import { keyExchangeProvider, type MlKem, type MlKemKey, type X25519Key } from '../key-exchange.ts';
import { importPublicKey, plain } from './key-objects.ts';

const X25519_SPKI = fromHex('302a300506032b656e032100');
const X25519_PKCS8 = fromHex('302e020100300506032b656e04220420');
const ML_KEM_SPKI = fromHex('308204b2300b0609608648016503040402038204a100');
/** RFC 9935 §6: the seed form. */
const ML_KEM_PKCS8 = fromHex('3054020100300b060960864801650304040204428040');

/** ML-KEM came with OpenSSL 3.5; a Node that was built with an older one has X25519 only. */
export function opensslKeyExchange(): KeyExchangeProvider {
  return keyExchangeProvider({
    name: 'openssl',
    x25519: (seed) => new OpensslX25519Key(seed),
    mlKem: hasMlKem() ? opensslMlKem : undefined,
    shake256: (input, length) => plain(createHash('shake256', { outputLength: length }).update(input).digest()),
    sha3_256,
  });
}

export const opensslMlKem: MlKem = {
  generate: (seed) => new OpensslMlKemKey(seed),
  encapsulate(encapsulationKey, message) {
    if (message !== undefined) {
      throw new XpsError('algorithm_unavailable', { detail: 'node:crypto cannot encapsulate a given message' });
    }
    // OpenSSL checks the modulus on import.
    const { ciphertext, sharedKey } = encapsulate(importPublicKey(concat([ML_KEM_SPKI, encapsulationKey])));
    return { ciphertext, sharedSecret: sharedKey };
  },
};

/**
 * Private keys stay in OpenSSL's memory, where JavaScript cannot wipe them: disposing drops the only reference, and
 * OpenSSL cleanses the memory when the garbage collector frees it.
 */
class OpensslX25519Key implements X25519Key {
  readonly share: Bytes;
  #key: KeyObject | undefined;

  constructor(seed: Bytes | undefined) {
    this.#key = seed === undefined ? generateKeyPairSync('x25519').privateKey : importPrivateKey(X25519_PKCS8, seed);
    this.share = fromBase64Url(exportJwk(this.#key).x);
  }

  agree(peerShare: Bytes): Bytes {
    const publicKey = importPublicKey(concat([X25519_SPKI, peerShare]));
    return plain(diffieHellman({ privateKey: inUse(this.#key), publicKey }));
  }

  [Symbol.dispose](): void {
    this.#key = undefined;
  }
}

class OpensslMlKemKey implements MlKemKey {
  readonly encapsulationKey: Bytes;
  #key: KeyObject | undefined;

  constructor(seed: Bytes | undefined) {
    this.#key = seed === undefined ? generateKeyPairSync('ml-kem-768').privateKey : importPrivateKey(ML_KEM_PKCS8, seed);
    this.encapsulationKey = fromBase64Url(exportJwk(this.#key).pub);
  }

  decapsulate(ciphertext: Bytes): Bytes {
    return plain(decapsulate(inUse(this.#key), ciphertext));
  }

  [Symbol.dispose](): void {
    this.#key = undefined;
  }
}

function sha3_256(parts: readonly Bytes[]): Uint8Array<ArrayBuffer> {
  const hash = createHash('sha3-256');
  for (const part of parts) hash.update(part);
  return plain(hash.digest());
}

function hasMlKem(): boolean {
  try {
    generateKeyPairSync('ml-kem-768');
    return true;
  } catch {
    return false;
  }
}

/** JWK is by far the cheapest export of a public half: 1 µs where DER takes 20. */
function exportJwk(key: KeyObject): { readonly [member: string]: unknown } {
  return createPublicKey(key).export({ format: 'jwk' });
}

/** The last byte of `prefix` is the length of the seed: OpenSSL would overlook bytes that follow. */
function importPrivateKey(prefix: Bytes, seed: Bytes): KeyObject {
  if (seed.length !== prefix.at(-1)) throw new XpsError('key_invalid', { detail: `a seed has ${seed.length} bytes` });
  const der = Buffer.from(concat([prefix, seed]));
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  } finally {
    der.fill(0);
  }
}

function inUse(key: KeyObject | undefined): KeyObject {
  if (key === undefined) throw new XpsError('internal_error', { detail: 'a key was used after it was disposed' });
  return key;
}

function fromBase64Url(text: unknown): Bytes {
  if (typeof text !== 'string') throw new XpsError('internal_error', { detail: 'a public key could not be exported' });
  return plain(Buffer.from(text, 'base64url'));
}
