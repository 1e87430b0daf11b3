import type { Bytes } from '../base/bytes.ts';
import type { Secret } from '../base/secret.ts';

/** Names as users write them in `crypto.aead.default`. */
export type AeadAlgorithm = 'AES_GCM' | 'CHACHA20_POLY1305' | 'XCHACHA20_POLY1305';

/** Key-exchange groups of docs/PROTOCOL.md §4.1. */
export type Group = 'X25519' | 'XWING';

/** Signature schemes of docs/PROTOCOL.md §4.2. */
export type SignatureScheme =
  | 'ed25519'
  | 'ecdsa_p256_sha256'
  | 'ecdsa_p384_sha384'
  | 'rsa_pss_sha256'
  | 'rsa_pss_sha384'
  | 'rsa_pss_sha512';

/** Signature algorithms that certificates, CRLs and OCSP answers may carry, beyond the schemes above. */
export type CertificateSignatureAlgorithm =
  | SignatureScheme
  | 'ecdsa_p256_sha384'
  | 'ecdsa_p256_sha512'
  | 'ecdsa_p384_sha256'
  | 'ecdsa_p384_sha512'
  | 'rsa_pkcs1_sha256'
  | 'rsa_pkcs1_sha384'
  | 'rsa_pkcs1_sha512';

export type HashAlgorithm = 'sha256' | 'sha384' | 'sha512';

export interface AeadParameters {
  readonly keyLength: 32;
  readonly nonceLength: 12 | 24;
  readonly tagLength: 16;
}

export const AEAD_PARAMETERS: Readonly<Record<AeadAlgorithm, AeadParameters>> = {
  AES_GCM: { keyLength: 32, nonceLength: 12, tagLength: 16 },
  CHACHA20_POLY1305: { keyLength: 32, nonceLength: 12, tagLength: 16 },
  XCHACHA20_POLY1305: { keyLength: 32, nonceLength: 24, tagLength: 16 },
};

/** One AEAD key, ready to use. Lives from key installation to key change; `dispose` wipes what it can. */
export interface AeadCipher extends Disposable {
  readonly algorithm: AeadAlgorithm;
  /** Which engine (and, for the native one, which kernel) does the work: shown to operators, asserted by tests. */
  readonly provider: string;
  /**
   * Writes ciphertext ‖ 16-byte tag to `out`, whose length is exactly plaintext.length + 16.
   * `out` may begin at the same address as `plaintext` (in place), any other overlap is an error.
   */
  seal(nonce: Bytes, aad: Bytes, plaintext: Bytes, out: Bytes): void;
  /**
   * Checks the tag (last 16 bytes of `sealed`) and writes the plaintext to `out`, whose length is
   * exactly sealed.length - 16; in place is allowed. Returns false on a mismatch, with `out` wiped.
   */
  open(nonce: Bytes, aad: Bytes, sealed: Bytes, out: Bytes): boolean;
}

/** The initiator's half of a key exchange. Single use: `complete` may be called once. */
export interface KeyShare extends Disposable {
  readonly group: Group;
  /** What goes on the wire: X25519 32 bytes; X-Wing 1216 bytes, of which the last 32 are an X25519 share. */
  readonly share: Bytes;
  /**
   * The shared secret (32 bytes) for the responder's `answer` (X25519 32 bytes, X-Wing 1120 bytes).
   * `group` is what the responder chose: its own, or X25519 with the X25519 part of an X-Wing share.
   * Throws `key_share_invalid` for a wrong length or an all-zero X25519 result.
   */
  complete(group: Group, answer: Bytes): Secret;
}

export interface KeyAnswer {
  readonly answer: Bytes;
  readonly secret: Secret;
}

/** A private key of an identity. Never leaves the engine. */
export interface SigningKey {
  /** DER SubjectPublicKeyInfo of the public half. */
  readonly spki: Bytes;
  /** What it can sign in a handshake, in order of preference; one entry but for RSA. */
  readonly schemes: readonly SignatureScheme[];
  sign(scheme: SignatureScheme, message: Bytes): Bytes;
}

/** A parsed, checked public key: strict encoding, permitted algorithm and size, on the curve, not of small order. */
export interface VerifyingKey {
  readonly spki: Bytes;
  readonly algorithm: 'ed25519' | 'p256' | 'p384' | 'rsa';
  /** Modulus bits for RSA, curve bits otherwise. */
  readonly bits: number;
}

/** A running hash that can be read at any point without ending it. */
export interface RunningHash {
  update(bytes: Bytes): void;
  /** The digest of everything so far; more may follow. */
  digest(): Uint8Array<ArrayBuffer>;
  copy(): RunningHash;
}

export interface AeadProvider {
  readonly name: string;
  readonly algorithms: readonly AeadAlgorithm[];
  /** `key` is copied (or imported) at once; the caller still owns and wipes its own. */
  create(algorithm: AeadAlgorithm, key: Bytes): AeadCipher;
}

export interface KeyExchangeProvider {
  readonly name: string;
  readonly groups: readonly Group[];
  /**
   * Fresh share. `seed` (tests and published vectors only) fixes the randomness: X25519 32 bytes of
   * private key; X-Wing the 32-byte decapsulation key of its specification.
   */
  initiate(group: Group, seed?: Bytes): KeyShare;
  /**
   * Answers a peer's share. `seed`: X25519 32 bytes; X-Wing 64 bytes (ML-KEM message ‖ X25519 private key).
   * Throws `key_share_invalid` for wrong lengths, non-reduced ML-KEM keys, all-zero X25519 results,
   * and `algorithm_unavailable` where the engine cannot take a seed.
   */
  respond(group: Group, share: Bytes, seed?: Bytes): KeyAnswer;
}

export interface HashProvider {
  readonly name: string;
  hash(algorithm: HashAlgorithm, bytes: Bytes): Uint8Array<ArrayBuffer>;
  running(algorithm: HashAlgorithm): RunningHash;
  hmac(algorithm: HashAlgorithm, key: Bytes, bytes: Bytes): Uint8Array<ArrayBuffer>;
  /** RFC 5869 §2.2; returns the PRK. */
  hkdfExtract(algorithm: HashAlgorithm, salt: Bytes, ikm: Bytes): Uint8Array<ArrayBuffer>;
  /** RFC 5869 §2.3; at most 255 × hash length bytes. */
  hkdfExpand(algorithm: HashAlgorithm, prk: Bytes, info: Bytes, length: number): Uint8Array<ArrayBuffer>;
}

export interface SignatureProvider {
  readonly name: string;
  /** What `verify` knows; signing covers the handshake schemes among them. */
  readonly algorithms: readonly CertificateSignatureAlgorithm[];
  /** PEM (PKCS#8, SEC1, PKCS#1). Throws `key_invalid` for what cannot be used; the detail never holds key bytes. */
  loadSigningKey(pem: string): SigningKey;
  /** DER SubjectPublicKeyInfo. Throws `key_invalid` for small-order Ed25519 points, unnamed curves, RSA outside 2048..8192 (or `minRsaBits`). */
  loadVerifyingKey(spki: Bytes, options?: { readonly minRsaBits?: number }): VerifyingKey;
  /** False for every kind of mismatch, wrong key type included. ECDSA signatures are strict DER. */
  verify(algorithm: CertificateSignatureAlgorithm, key: VerifyingKey, message: Bytes, signature: Bytes): boolean;
}

/** One engine: a named set of providers. A missing provider means: not offered. */
export interface Engine {
  readonly name: 'portable' | 'openssl' | 'native';
  readonly aead?: AeadProvider;
  readonly keyExchange?: KeyExchangeProvider;
  readonly hash?: HashProvider;
  readonly signature?: SignatureProvider;
}

/**
 * What the rest of the product asks for cryptography. Made by `engines/registry.ts`: policy and
 * self-tests have already decided which engine answers; forbidden algorithms throw `algorithm_forbidden`.
 */
export interface Crypto {
  /** Grows when engines or policy change; channels look at it only when they install new keys. */
  readonly generation: number;
  readonly hash: HashProvider;
  readonly keyExchange: KeyExchangeProvider;
  readonly signature: SignatureProvider;
  aead(algorithm: AeadAlgorithm, key: Bytes): AeadCipher;
  /** Whether policy and engines allow it; for building offers. */
  isAvailable(what: AeadAlgorithm | Group | CertificateSignatureAlgorithm): boolean;
  random(length: number): Uint8Array<ArrayBuffer>;
  equal(a: Bytes, b: Bytes): boolean;
}
