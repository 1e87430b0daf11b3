/** docs/PROTOCOL.md §1.3 and §4: hash, AEADs, key exchanges, signatures. Slow and obvious. */
import * as nodeCrypto from 'node:crypto';
import { gcm } from '@noble/ciphers/aes.js';
import { chacha20poly1305, xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { x25519 } from '@noble/curves/ed25519.js';
import * as hkdf from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha384 } from '@noble/hashes/sha2.js';
import { sha3_256, shake256 } from '@noble/hashes/sha3.js';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import { concat, equalBytes, toHex, utf8 } from './bytes.ts';
import { demand, ReferenceError, type Bytes } from './vocabulary.ts';

/** Every random byte is drawn through this; the label says what for. */
export type Random = (label: string, length: number) => Bytes;

export const ZERO48: Bytes = new Uint8Array(48);

export const H = (bytes: Bytes): Bytes => sha384(bytes);
export const HMAC = (key: Bytes, bytes: Bytes): Bytes => hmac(sha384, key, bytes);
export const Extract = (salt: Bytes, ikm: Bytes): Bytes => hkdf.extract(sha384, ikm, salt);
export const Expand = (prk: Bytes, info: Bytes, length: number): Bytes =>
  hkdf.expand(sha384, prk, info, length);

// §4.1 suites

export const X25519 = 0x01;
export const XWING = 0x02;
export const ALL_SUITES: readonly number[] = [0x0101, 0x0102, 0x0103, 0x0201, 0x0202, 0x0203];
export const GROUPS: readonly number[] = [X25519, XWING];

export const keyExchangeOf = (suite: number): number => suite >> 8;
export const nonceLength = (suite: number): number => ((suite & 0xff) === 3 ? 24 : 12);
export const shareLength = (group: number): number => (group === XWING ? 1216 : 32);
export const answerLength = (keyExchange: number): number => (keyExchange === XWING ? 1120 : 32);

/** §9.4: shares and answers are remembered by their last 32 bytes. */
export function nameOfShare(share: Bytes): string {
  return toHex(share.subarray(-32));
}

/** The group of the one share in a hello which offers these suites. */
export function groupFor(suites: readonly number[]): number {
  return suites.some((suite) => ALL_SUITES.includes(suite) && keyExchangeOf(suite) === XWING)
    ? XWING
    : X25519;
}

/** §4.4: the first of the server's suites which the client offers and whose key exchange its share allows. */
export function selectSuite(
  serverSuites: readonly number[],
  clientSuites: readonly number[],
  group: number,
): number | undefined {
  return serverSuites.find(
    (suite) =>
      ALL_SUITES.includes(suite) &&
      clientSuites.includes(suite) &&
      (group === XWING || keyExchangeOf(suite) === X25519),
  );
}

const AEADS = { 1: gcm, 2: chacha20poly1305, 3: xchacha20poly1305 } as const;

function aeadOf(suite: number): (typeof AEADS)[1 | 2 | 3] {
  return AEADS[(suite & 0xff) as 1 | 2 | 3];
}

export function seal(suite: number, key: Bytes, nonce: Bytes, aad: Bytes, plain: Bytes): Bytes {
  return aeadOf(suite)(key, nonce, aad).encrypt(plain);
}

export function open(suite: number, key: Bytes, nonce: Bytes, aad: Bytes, sealed: Bytes): Bytes {
  try {
    return aeadOf(suite)(key, nonce, aad).decrypt(sealed);
  } catch {
    throw new ReferenceError('record_authentication');
  }
}

// §4.1 key exchange

const XWING_LABEL = utf8('\\.//^\\');

/** What the side that speaks first keeps: its share and the way to the shared secret. */
export interface OwnShare {
  readonly group: number;
  readonly share: Bytes;
  /** The X25519 public key: the share itself, or the last 32 bytes of an X-Wing share. */
  readonly shareX: Bytes;
  finish(keyExchange: number, answer: Bytes): Bytes;
}

export function makeShare(group: number, random: Random): OwnShare {
  return group === XWING ? makeXWingShare(random) : makeX25519Share(random);
}

function makeX25519Share(random: Random): OwnShare {
  const secret = random('x25519 private', 32);
  const share = x25519.getPublicKey(secret);
  return { group: X25519, share, shareX: share, finish: (_, answer) => sharedX(secret, answer) };
}

/** draft-connolly-cfrg-xwing-kem: the 32-byte seed expands to both private keys. */
function makeXWingShare(random: Random): OwnShare {
  const expanded = shake256(random('xwing seed', 32), { dkLen: 96 });
  const mlKem = ml_kem768.keygen(expanded.subarray(0, 64));
  const secretX = expanded.subarray(64);
  const shareX = x25519.getPublicKey(secretX);
  return {
    group: XWING,
    share: concat([mlKem.publicKey, shareX]),
    shareX,
    finish(keyExchange, answer) {
      if (keyExchange === X25519) return sharedX(secretX, answer);
      const [ctM, ctX] = [answer.subarray(0, 1088), answer.subarray(1088)];
      const ssM = ml_kem768.decapsulate(ctM, mlKem.secretKey);
      return combineXWing(ssM, sharedX(secretX, ctX), ctX, shareX);
    },
  };
}

/** What the second side sends back, and the shared secret. */
export function answerShare(
  keyExchange: number,
  group: number,
  share: Bytes,
  random: Random,
): { answer: Bytes; ss: Bytes } {
  demand(share.length === shareLength(group), 'key_share_invalid', 'length of the share');
  if (group === XWING) demandReduced(share.subarray(0, 1184));
  const shareX = share.subarray(share.length - 32);
  if (keyExchange === X25519) {
    const secret = random('x25519 private', 32);
    const answer = x25519.getPublicKey(secret);
    demand(!equalBytes(answer, shareX), 'key_share_invalid', 'a share equal to our own');
    return { answer, ss: sharedX(secret, shareX) };
  }
  const seed = random('xwing encaps seed', 64);
  const { cipherText: ctM, sharedSecret: ssM } = ml_kem768.encapsulate(share.subarray(0, 1184), seed.subarray(0, 32));
  const secretX = seed.subarray(32);
  const ctX = x25519.getPublicKey(secretX);
  return { answer: concat([ctM, ctX]), ss: combineXWing(ssM, sharedX(secretX, shareX), ctX, shareX) };
}

function combineXWing(ssM: Bytes, ssX: Bytes, ctX: Bytes, shareX: Bytes): Bytes {
  return sha3_256(concat([ssM, ssX, ctX, shareX, XWING_LABEL]));
}

function sharedX(secret: Bytes, other: Bytes): Bytes {
  demand(other.length === 32, 'key_share_invalid', 'length of an X25519 key');
  try {
    return x25519.getSharedSecret(secret, other); // refuses an all-zero result
  } catch {
    throw new ReferenceError('key_share_invalid', 'X25519 result is zero');
  }
}

/** FIPS 203 §7.2: every 12-bit coefficient of the encapsulation key is below q = 3329. */
function demandReduced(key: Bytes): void {
  for (let at = 0; at < 1152; at += 3) {
    const [a, b, c] = [key[at] as number, key[at + 1] as number, key[at + 2] as number];
    const isReduced = (a | ((b & 0x0f) << 8)) < 3329 && ((b >> 4) | (c << 4)) < 3329;
    demand(isReduced, 'key_share_invalid', 'ML-KEM key is not reduced');
  }
}

// §4.2 signatures

interface Scheme {
  readonly keyType: string;
  readonly curve?: string;
  readonly hash: string | null;
}

const SCHEMES: ReadonlyMap<number, Scheme> = new Map<number, Scheme>([
  [0x0807, { keyType: 'ed25519', hash: null }],
  [0x0403, { keyType: 'ec', curve: 'prime256v1', hash: 'sha256' }],
  [0x0503, { keyType: 'ec', curve: 'secp384r1', hash: 'sha384' }],
  [0x0804, { keyType: 'rsa', hash: 'sha256' }],
  [0x0805, { keyType: 'rsa', hash: 'sha384' }],
  [0x0806, { keyType: 'rsa', hash: 'sha512' }],
]);

export const ALL_SCHEMES: readonly number[] = [...SCHEMES.keys()];

/** §4.4: the first entry of the verifier's list that fits the signer's key. */
export function selectScheme(list: readonly number[], key: nodeCrypto.KeyObject): number | undefined {
  return list.find((value) => {
    const scheme = SCHEMES.get(value);
    if (scheme === undefined || scheme.keyType !== key.asymmetricKeyType) return false;
    const details = key.asymmetricKeyDetails ?? {};
    if (scheme.keyType === 'ec') return details.namedCurve === scheme.curve;
    if (scheme.keyType === 'rsa') {
      const bits = details.modulusLength ?? 0;
      return bits >= 2048 && bits <= 8192;
    }
    return true;
  });
}

export function leafKey(leaf: Bytes): nodeCrypto.KeyObject {
  try {
    return new nodeCrypto.X509Certificate(leaf).publicKey;
  } catch {
    throw new ReferenceError('certificate_malformed');
  }
}

export type Purpose = 'server' | 'client' | 'rekey-server' | 'rekey-client';

/** §6.6 */
function signedContent(purpose: Purpose, transcriptHash: Bytes): Bytes {
  const text = utf8(`XPScerpto channel v1, ${purpose}\0`);
  return concat([new Uint8Array(64).fill(0x20), text, transcriptHash]);
}

function keyInput(scheme: number, key: nodeCrypto.KeyObject): nodeCrypto.SignKeyObjectInput {
  return SCHEMES.get(scheme)?.keyType === 'rsa'
    ? {
        key,
        padding: nodeCrypto.constants.RSA_PKCS1_PSS_PADDING,
        saltLength: nodeCrypto.constants.RSA_PSS_SALTLEN_DIGEST,
      }
    : { key, dsaEncoding: 'der' };
}

export function sign(scheme: number, keyPem: string, purpose: Purpose, transcriptHash: Bytes): Bytes {
  const key = nodeCrypto.createPrivateKey(keyPem);
  const hash = SCHEMES.get(scheme)?.hash ?? null;
  return Uint8Array.from(nodeCrypto.sign(hash, signedContent(purpose, transcriptHash), keyInput(scheme, key)));
}

export function verify(
  scheme: number,
  key: nodeCrypto.KeyObject,
  purpose: Purpose,
  transcriptHash: Bytes,
  signature: Bytes,
): boolean {
  const hash = SCHEMES.get(scheme)?.hash ?? null;
  return nodeCrypto.verify(hash, signedContent(purpose, transcriptHash), keyInput(scheme, key), signature);
}
