import { ed25519 } from '@noble/curves/ed25519.js';
import { p256, p384 } from '@noble/curves/nist.js';
import { concat, equalBytes, toHex, type Bytes } from '../../base/bytes.ts';
import { XpsError } from '../../base/errors.ts';
import type {
  CertificateSignatureAlgorithm,
  SignatureProvider,
  SignatureScheme,
  SigningKey,
  VerifyingKey,
} from '../contract.ts';
import { parseEcdsaSignature } from '../ecdsa-encoding.ts';
import { isCanonicalSignature } from '../ed25519-encoding.ts';
import { readPrivateKeyFile } from '../private-key-file.ts';
import { ecSpki, ED25519_PREFIX, parsePublicKey } from '../public-key.ts';
import {
  SCHEMES_OF_KEY,
  SIGNATURE_ALGORITHMS,
  SIGNATURE_SHAPES,
  type KeyAlgorithm,
  type SignatureShape,
} from '../signature-algorithms.ts';
import { HASHES } from './hash.ts';
import { parsePrivateKey, type PrivateKey } from './private-key.ts';

const ALGORITHMS = SIGNATURE_ALGORITHMS.filter((algorithm) => SIGNATURE_SHAPES[algorithm].key !== 'rsa');

/** No RSA: noble has none, and an RSA of our own would be the one primitive here that nobody else has reviewed. */
export const portableSignature: SignatureProvider = {
  name: 'portable',
  algorithms: ALGORITHMS,
  loadSigningKey,
  loadVerifyingKey,
  verify,
};

type EcAlgorithm = 'p256' | 'p384';
const CURVES = { p256, p384 } as const;

class PortableVerifyingKey implements VerifyingKey {
  readonly spki: Bytes;
  readonly algorithm: KeyAlgorithm;
  readonly bits: number;
  readonly #point: Bytes;

  constructor(spki: Bytes, algorithm: KeyAlgorithm, bits: number, point: Bytes) {
    this.spki = spki;
    this.algorithm = algorithm;
    this.bits = bits;
    this.#point = point;
  }

  verify(shape: SignatureShape, message: Bytes, signature: Bytes): boolean {
    switch (shape.key) {
      case 'ed25519':
        return verifyEd25519(this.#point, message, signature);
      case 'p256':
      case 'p384':
        return verifyEcdsa(shape.key, this.#point, HASHES[shape.hash](message), signature);
      case 'rsa':
        return false;
    }
  }
}

class PortableSigningKey implements SigningKey {
  readonly spki: Bytes;
  readonly schemes: readonly SignatureScheme[];
  readonly #key: PrivateKey;

  constructor(spki: Bytes, key: PrivateKey) {
    this.spki = spki;
    this.schemes = SCHEMES_OF_KEY[key.algorithm];
    this.#key = key;
  }

  sign(scheme: SignatureScheme, message: Bytes): Bytes {
    if (!this.schemes.includes(scheme)) throw invalid(`this key cannot make ${scheme} signatures`);
    const { algorithm, secret } = this.#key;
    if (algorithm === 'ed25519') return ed25519.sign(message, secret);
    // Deterministic nonces (RFC 6979) with fresh entropy mixed in: neither a bad generator nor a fault gives the key away.
    return CURVES[algorithm].sign(message, secret, { format: 'der', lowS: false, extraEntropy: true });
  }
}

function loadVerifyingKey(spki: Bytes, options: { readonly minRsaBits?: number } = {}): PortableVerifyingKey {
  const key = parsePublicKey(spki, options.minRsaBits);
  if (key.algorithm === 'rsa') throw new XpsError('algorithm_unavailable', { detail: 'the portable engine has no RSA' });
  if (key.algorithm !== 'ed25519' && !CURVES[key.algorithm].utils.isValidPublicKey(key.point)) {
    throw invalid('an EC point is not on its curve');
  }
  const own = Uint8Array.from(spki);
  return new PortableVerifyingKey(own, key.algorithm, key.bits, own.subarray(-key.point.length));
}

function loadSigningKey(pem: string): SigningKey {
  const file = readPrivateKeyFile(pem);
  try {
    const key = parsePrivateKey(file);
    const point = publicPoint(key);
    if (key.point !== undefined && !equalBytes(key.point, point)) {
      throw invalid('the public and private halves of the private key do not belong together');
    }
    const spki = key.algorithm === 'ed25519' ? concat([ED25519_PREFIX, point]) : ecSpki(key.algorithm, point);
    return new PortableSigningKey(spki, key);
  } finally {
    file.der.fill(0);
  }
}

function publicPoint(key: PrivateKey): Bytes {
  try {
    return key.algorithm === 'ed25519'
      ? ed25519.getPublicKey(key.secret)
      : CURVES[key.algorithm].getPublicKey(key.secret, false);
  } catch {
    throw invalid('the private scalar is zero or not below the order of the curve');
  }
}

function verify(
  algorithm: CertificateSignatureAlgorithm,
  key: VerifyingKey,
  message: Bytes,
  signature: Bytes,
): boolean {
  const shape = SIGNATURE_SHAPES[algorithm];
  if (shape.key !== key.algorithm) return false;
  // Keys outlive an exchange of engines; one that another engine parsed is parsed again.
  const own = key instanceof PortableVerifyingKey ? key : loadVerifyingKey(key.spki, { minRsaBits: key.bits });
  return own.verify(shape, message, signature);
}

/**
 * RFC 8032 §5.1.7 without the cofactor, as OpenSSL does it: noble's own `verify` multiplies by the cofactor and so accepts
 * signatures under keys with a small-order component that OpenSSL refuses.
 */
function verifyEd25519(publicKey: Bytes, message: Bytes, signature: Bytes): boolean {
  if (!isCanonicalSignature(signature)) return false;
  const { Point } = ed25519;
  const r = signature.subarray(0, 32);
  const s = littleEndian(signature.subarray(32));
  const h = littleEndian(HASHES.sha512(concat([r, publicKey, message]))) % Point.Fn.ORDER;
  const expected = Point.BASE.multiplyUnsafe(s).subtract(Point.fromBytes(publicKey).multiplyUnsafe(h));
  return equalBytes(expected.toBytes(), r);
}

function verifyEcdsa(algorithm: EcAlgorithm, point: Bytes, digest: Bytes, signature: Bytes): boolean {
  const parsed = parseEcdsaSignature(signature);
  const length = algorithm === 'p256' ? 32 : 48;
  if (parsed === undefined || parsed.r.length > length || parsed.s.length > length) return false;
  const compact = new Uint8Array(2 * length);
  compact.set(parsed.r, length - parsed.r.length);
  compact.set(parsed.s, 2 * length - parsed.s.length);
  return CURVES[algorithm].verify(compact, digest, point, { format: 'compact', lowS: false, prehash: false });
}

function littleEndian(bytes: Bytes): bigint {
  return BigInt(`0x${toHex(bytes.toReversed())}`);
}

function invalid(detail: string): XpsError {
  return new XpsError('key_invalid', { detail });
}
