import { createPrivateKey, createPublicKey, generateKeyPair, getRandomValues, hash, type KeyObject, sign } from 'node:crypto';
import { promisify } from 'node:util';
import type { Bytes } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';
import type { CertificateSignatureAlgorithm } from './contract.ts';

/** Kinds of keys that the development CA makes, by the names of `--key-type`. */
export const KEY_TYPES = ['p256', 'p384', 'ed25519', 'rsa'] as const;
export type KeyType = (typeof KEY_TYPES)[number];

type CryptoKeyAlgorithm = Parameters<KeyObject['toCryptoKey']>[0];

interface KeyTypeTraits {
  /** What certificates, CRLs and OCSP answers signed with such a key carry. */
  readonly signatureAlgorithm: CertificateSignatureAlgorithm;
  readonly digest: 'sha256' | 'sha384' | undefined;
  readonly webCrypto: CryptoKeyAlgorithm;
}

/** RSA keys are this long: 128 bits of security (NIST SP 800-57 part 1, table 2). */
const RSA_BITS = 3072;

const TRAITS: Readonly<Record<KeyType, KeyTypeTraits>> = {
  p256: { signatureAlgorithm: 'ecdsa_p256_sha256', digest: 'sha256', webCrypto: { name: 'ECDSA', namedCurve: 'P-256' } },
  p384: { signatureAlgorithm: 'ecdsa_p384_sha384', digest: 'sha384', webCrypto: { name: 'ECDSA', namedCurve: 'P-384' } },
  ed25519: { signatureAlgorithm: 'ed25519', digest: undefined, webCrypto: { name: 'Ed25519' } },
  rsa: { signatureAlgorithm: 'rsa_pkcs1_sha256', digest: 'sha256', webCrypto: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } },
};

/**
 * A private key of the development CA, or one that it makes for others. Unlike a `SigningKey` it can be written
 * to a file, which is why nothing outside of certs/ca has a use for it.
 */
export class IssuingKey {
  readonly type: KeyType;
  readonly signatureAlgorithm: CertificateSignatureAlgorithm;
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Bytes;
  readonly #key: KeyObject;

  constructor(key: KeyObject) {
    this.#key = key;
    this.type = typeOf(key);
    this.signatureAlgorithm = TRAITS[this.type].signatureAlgorithm;
    this.spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  }

  /** Over the whole message; ECDSA as DER (RFC 3279 §2.2.3). */
  sign(message: Bytes): Bytes {
    return sign(TRAITS[this.type].digest, message, this.#key);
  }

  /** The key as the certificate generator wants it: usable for signing, not exportable. */
  toCryptoKey(): ReturnType<KeyObject['toCryptoKey']> {
    return this.#key.toCryptoKey(TRAITS[this.type].webCrypto, false, ['sign']);
  }

  /** Unencrypted PKCS#8. For a file of mode 0600 and nothing else. */
  toPem(): string {
    return this.#key.export({ type: 'pkcs8', format: 'pem' }).toString();
  }

  toJSON(): string {
    return '[secret]';
  }
}

export async function generateIssuingKey(type: KeyType): Promise<IssuingKey> {
  switch (type) {
    case 'p256':
      return new IssuingKey((await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' })).privateKey);
    case 'p384':
      return new IssuingKey((await promisify(generateKeyPair)('ec', { namedCurve: 'P-384' })).privateKey);
    case 'ed25519':
      return new IssuingKey((await promisify(generateKeyPair)('ed25519')).privateKey);
    case 'rsa':
      return new IssuingKey((await promisify(generateKeyPair)('rsa', { modulusLength: RSA_BITS })).privateKey);
  }
}

/** PEM, unencrypted. Throws `key_invalid`. */
export function loadIssuingKey(pem: string): IssuingKey {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    // Not the cause: messages of the parser may quote what they could not read.
    throw new XpsError('key_invalid', { detail: 'not an unencrypted private key in PEM form' });
  }
  return new IssuingKey(key);
}

/** The first 160 bits of SHA-256 over the public key, RFC 7093 §2 (1): names a key without SHA-1. */
export function keyIdentifier(publicKeyBits: Bytes): Bytes {
  return sha256(publicKeyBits).subarray(0, 20);
}

export function sha256(bytes: Bytes): Bytes {
  return hash('sha256', bytes, 'buffer');
}

/**
 * A serial number that no other certificate has: 20 octets, positive (RFC 5280 §4.1.2.2), 158 of its
 * bits random, the first two fixed so that the encoding is always the same length.
 */
export function randomSerial(): Bytes {
  const octets = getRandomValues(new Uint8Array(20));
  octets[0] = ((octets[0] as number) & 0x3f) | 0x40;
  return octets;
}

function typeOf(key: KeyObject): KeyType {
  const curve = key.asymmetricKeyDetails?.namedCurve;
  switch (key.asymmetricKeyType) {
    case 'ed25519':
      return 'ed25519';
    case 'rsa':
      return 'rsa';
    case 'ec':
      if (curve === 'prime256v1') return 'p256';
      if (curve === 'secp384r1') return 'p384';
      throw new XpsError('key_invalid', { detail: 'a curve other than P-256 and P-384' });
    default:
      throw new XpsError('key_invalid', { detail: 'a key of another kind than Ed25519, ECDSA and RSA' });
  }
}
