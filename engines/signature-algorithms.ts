import type { CertificateSignatureAlgorithm, HashAlgorithm, SignatureScheme, VerifyingKey } from './contract.ts';

export type KeyAlgorithm = VerifyingKey['algorithm'];

/** What a signature algorithm is made of. Ed25519 hashes by itself (RFC 8032 §5.1). */
export interface SignatureShape {
  readonly key: KeyAlgorithm;
  readonly hash: HashAlgorithm;
  readonly padding?: 'pss' | 'pkcs1';
}

export const SIGNATURE_SHAPES: Readonly<Record<CertificateSignatureAlgorithm, SignatureShape>> = {
  ed25519: { key: 'ed25519', hash: 'sha512' },
  ecdsa_p256_sha256: { key: 'p256', hash: 'sha256' },
  ecdsa_p256_sha384: { key: 'p256', hash: 'sha384' },
  ecdsa_p256_sha512: { key: 'p256', hash: 'sha512' },
  ecdsa_p384_sha256: { key: 'p384', hash: 'sha256' },
  ecdsa_p384_sha384: { key: 'p384', hash: 'sha384' },
  ecdsa_p384_sha512: { key: 'p384', hash: 'sha512' },
  rsa_pss_sha256: { key: 'rsa', hash: 'sha256', padding: 'pss' },
  rsa_pss_sha384: { key: 'rsa', hash: 'sha384', padding: 'pss' },
  rsa_pss_sha512: { key: 'rsa', hash: 'sha512', padding: 'pss' },
  rsa_pkcs1_sha256: { key: 'rsa', hash: 'sha256', padding: 'pkcs1' },
  rsa_pkcs1_sha384: { key: 'rsa', hash: 'sha384', padding: 'pkcs1' },
  rsa_pkcs1_sha512: { key: 'rsa', hash: 'sha512', padding: 'pkcs1' },
};

export const SIGNATURE_ALGORITHMS: readonly CertificateSignatureAlgorithm[] = Object.keys(
  SIGNATURE_SHAPES,
) as CertificateSignatureAlgorithm[];

/** What a key signs in a handshake (docs/PROTOCOL.md §4.2), in order of preference. */
export const SCHEMES_OF_KEY: Readonly<Record<KeyAlgorithm, readonly SignatureScheme[]>> = {
  ed25519: ['ed25519'],
  p256: ['ecdsa_p256_sha256'],
  p384: ['ecdsa_p384_sha384'],
  rsa: ['rsa_pss_sha256', 'rsa_pss_sha384', 'rsa_pss_sha512'],
};

/** Salt as long as the hash (docs/PROTOCOL.md §4.2). */
export const HASH_LENGTH: Readonly<Record<HashAlgorithm, number>> = { sha256: 32, sha384: 48, sha512: 64 };
