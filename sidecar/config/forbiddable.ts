/**
 * The names that `crypto.policy.forbid` may hold. Listed, because a misspelt name would forbid nothing.
 * Some are never used by this product; forbidding them is harmless and documents an intention.
 */
export const FORBIDDABLE = [
  'AES_GCM',
  'CHACHA20_POLY1305',
  'XCHACHA20_POLY1305',
  'X25519',
  'XWING',
  'ed25519',
  'ecdsa_p256_sha256',
  'ecdsa_p384_sha384',
  'rsa_pss_sha256',
  'rsa_pss_sha384',
  'rsa_pss_sha512',
  'ecdsa_p256_sha384',
  'ecdsa_p256_sha512',
  'ecdsa_p384_sha256',
  'ecdsa_p384_sha512',
  'rsa_pkcs1_sha256',
  'rsa_pkcs1_sha384',
  'rsa_pkcs1_sha512',
  'rsa',
  'sha1',
  'md5',
  'des',
  '3des',
  'rc4',
] as const;
