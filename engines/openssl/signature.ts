import { constants, createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { utf8, type Bytes } from '../../base/bytes.ts';
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
import { parsePublicKey } from '../public-key.ts';
import {
  HASH_LENGTH,
  SCHEMES_OF_KEY,
  SIGNATURE_ALGORITHMS,
  SIGNATURE_SHAPES,
  type KeyAlgorithm,
  type SignatureShape,
} from '../signature-algorithms.ts';
import { importPublicKey, plain } from './key-objects.ts';

export const opensslSignature: SignatureProvider = {
  name: 'openssl',
  algorithms: SIGNATURE_ALGORITHMS,
  loadSigningKey,
  loadVerifyingKey,
  verify: verifySignature,
};

class OpensslVerifyingKey implements VerifyingKey {
  readonly spki: Bytes;
  readonly algorithm: KeyAlgorithm;
  readonly bits: number;
  readonly #key: KeyObject;

  constructor(spki: Bytes, algorithm: KeyAlgorithm, bits: number, key: KeyObject) {
    this.spki = spki;
    this.algorithm = algorithm;
    this.bits = bits;
    this.#key = key;
  }

  verify(shape: SignatureShape, message: Bytes, signature: Bytes): boolean {
    switch (shape.key) {
      case 'ed25519':
        return isCanonicalSignature(signature) && verify(null, message, this.#key, signature);
      case 'p256':
      case 'p384':
        return parseEcdsaSignature(signature) !== undefined && verify(shape.hash, message, this.#key, signature);
      case 'rsa':
        return verify(shape.hash, message, { key: this.#key, ...rsaOptions(shape) }, signature);
    }
  }
}

class OpensslSigningKey implements SigningKey {
  readonly spki: Bytes;
  readonly schemes: readonly SignatureScheme[];
  readonly #key: KeyObject;

  constructor(publicKey: VerifyingKey, key: KeyObject) {
    this.spki = publicKey.spki;
    this.schemes = SCHEMES_OF_KEY[publicKey.algorithm];
    this.#key = key;
  }

  sign(scheme: SignatureScheme, message: Bytes): Bytes {
    if (!this.schemes.includes(scheme)) throw invalid(`this key cannot make ${scheme} signatures`);
    const shape = SIGNATURE_SHAPES[scheme];
    switch (shape.key) {
      case 'ed25519':
        return plain(sign(null, message, this.#key));
      case 'p256':
      case 'p384':
        return plain(sign(shape.hash, message, this.#key));
      case 'rsa':
        return plain(sign(shape.hash, message, { key: this.#key, ...rsaOptions(shape) }));
    }
  }
}

function loadVerifyingKey(spki: Bytes, options: { readonly minRsaBits?: number } = {}): OpensslVerifyingKey {
  const { algorithm, bits } = parsePublicKey(spki, options.minRsaBits);
  let key: KeyObject;
  try {
    key = importPublicKey(spki);
  } catch (error) {
    throw invalid('OpenSSL refuses the public key; an EC point that is not on its curve, for example', error);
  }
  return new OpensslVerifyingKey(Uint8Array.from(spki), algorithm, bits, key);
}

function loadSigningKey(pem: string): SigningKey {
  const { form, der } = readPrivateKeyFile(pem);
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: Buffer.from(der.buffer, der.byteOffset, der.length), format: 'der', type: form });
  } catch (error) {
    throw invalid('OpenSSL cannot read the private key', error);
  } finally {
    der.fill(0);
  }
  const publicKey = loadVerifyingKey(plain(createPublicKey(key).export({ type: 'spki', format: 'der' })));
  const signingKey = new OpensslSigningKey(publicKey, key);
  demandMatchingHalves(signingKey, publicKey);
  return signingKey;
}

/** A file may hold halves of two keys; a signature made with such a key fails at the peer, or gives the key away. */
function demandMatchingHalves(signingKey: SigningKey, publicKey: VerifyingKey): void {
  const message = utf8('pairwise consistency');
  const scheme = signingKey.schemes[0] as SignatureScheme;
  if (!verifySignature(scheme, publicKey, message, signingKey.sign(scheme, message))) {
    throw invalid('the public and private halves of the private key do not belong together');
  }
}

function verifySignature(
  algorithm: CertificateSignatureAlgorithm,
  key: VerifyingKey,
  message: Bytes,
  signature: Bytes,
): boolean {
  const shape = SIGNATURE_SHAPES[algorithm];
  if (shape.key !== key.algorithm) return false;
  // Keys outlive an exchange of engines; one that another engine parsed is parsed again.
  const own = key instanceof OpensslVerifyingKey ? key : loadVerifyingKey(key.spki, { minRsaBits: key.bits });
  return own.verify(shape, message, signature);
}

interface RsaOptions {
  readonly padding: number;
  readonly saltLength?: number;
}

function rsaOptions(shape: SignatureShape): RsaOptions {
  return shape.padding === 'pss'
    ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: HASH_LENGTH[shape.hash] }
    : { padding: constants.RSA_PKCS1_PADDING };
}

function invalid(detail: string, cause?: unknown): XpsError {
  return new XpsError('key_invalid', cause === undefined ? { detail } : { detail, cause });
}
