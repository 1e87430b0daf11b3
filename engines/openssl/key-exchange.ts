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
import { Secret } from '../../base/secret.ts';
import type { Group, KeyAnswer, KeyExchangeProvider, KeyShare } from '../contract.ts';
import {
  badShare,
  checkAnswer,
  checkAnsweredGroup,
  checkInitiateSeed,
  checkRespondSeed,
  checkShare,
  combinerParts,
  isAllZero,
  splitAnswer,
  splitShare,
  usedTwice,
} from '../x-wing.ts';
import { importPublicKey, plain } from './key-objects.ts';

const X25519_SPKI = fromHex('302a300506032b656e032100');
const X25519_PKCS8 = fromHex('302e020100300506032b656e04220420');
const ML_KEM_SPKI = fromHex('308204b2300b0609608648016503040402038204a100');
/** RFC 9935 §6: the seed form. */
const ML_KEM_PKCS8 = fromHex('3054020100300b060960864801650304040204428040');

/** ML-KEM came with OpenSSL 3.5; a Node that was built with an older one has X25519 only. */
export function opensslKeyExchange(): KeyExchangeProvider {
  return { name: 'openssl', groups: hasMlKem() ? ['X25519', 'XWING'] : ['X25519'], initiate, respond };
}

function hasMlKem(): boolean {
  try {
    generateKeyPairSync('ml-kem-768');
    return true;
  } catch {
    return false;
  }
}

/** Private keys stay in OpenSSL's memory; disposing drops the only reference, the collector frees and OpenSSL cleanses. */
interface PrivateHalves {
  readonly x25519: KeyObject;
  readonly mlKem?: KeyObject;
}

class OpensslKeyShare implements KeyShare {
  readonly group: Group;
  readonly share: Bytes;
  readonly #shareX: Bytes;
  #private: PrivateHalves | undefined;

  constructor(group: Group, share: Bytes, shareX: Bytes, keys: PrivateHalves) {
    this.group = group;
    this.share = share;
    this.#shareX = shareX;
    this.#private = keys;
  }

  complete(group: Group, answer: Bytes): Secret {
    const keys = this.#private;
    if (keys === undefined) throw usedTwice();
    this.#private = undefined;
    checkAnsweredGroup(this.group, group);
    checkAnswer(group, answer);
    if (group === 'X25519' || keys.mlKem === undefined) return new Secret(agree(keys.x25519, answer));
    const { mlKem, x25519 } = splitAnswer(answer);
    return combine(decapsulate(keys.mlKem, mlKem), agree(keys.x25519, x25519), x25519, this.#shareX);
  }

  [Symbol.dispose](): void {
    this.#private = undefined;
  }
}

function initiate(group: Group, seed?: Bytes): KeyShare {
  if (seed !== undefined) checkInitiateSeed(group, seed);
  if (group === 'X25519') {
    const pair = x25519Pair(seed);
    return new OpensslKeyShare(group, pair.share, pair.share, { x25519: pair.key });
  }
  const expanded = seed === undefined ? undefined : createHash('shake256', { outputLength: 96 }).update(seed).digest();
  const pair = x25519Pair(expanded?.subarray(64));
  const mlKem = mlKemKey(expanded?.subarray(0, 64));
  expanded?.fill(0);
  return new OpensslKeyShare(group, concat([mlKemShare(mlKem), pair.share]), pair.share, { x25519: pair.key, mlKem });
}

function respond(group: Group, share: Bytes, seed?: Bytes): KeyAnswer {
  checkShare(group, share);
  if (seed !== undefined) checkRespondSeed(group, seed);
  if (group === 'X25519') {
    const pair = x25519Pair(seed);
    return { answer: pair.share, secret: new Secret(agree(pair.key, share)) };
  }
  if (seed !== undefined) {
    throw new XpsError('algorithm_unavailable', { detail: 'node:crypto cannot encapsulate with a given seed' });
  }
  const peer = splitShare(share);
  const { ciphertext, sharedKey } = encapsulate(importMlKem(peer.mlKem));
  const pair = x25519Pair();
  const secret = combine(sharedKey, agree(pair.key, peer.x25519), pair.share, peer.x25519);
  return { answer: concat([ciphertext, pair.share]), secret };
}

interface X25519Pair {
  readonly key: KeyObject;
  readonly share: Bytes;
}

function x25519Pair(seed?: Bytes): X25519Pair {
  const key = seed === undefined ? generateKeyPairSync('x25519').privateKey : importPrivateKey(X25519_PKCS8, seed);
  // JWK is by far the cheapest export: 1 µs, DER 20.
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  return { key, share: fromBase64Url(x) };
}

function mlKemKey(seed?: Bytes): KeyObject {
  return seed === undefined ? generateKeyPairSync('ml-kem-768').privateKey : importPrivateKey(ML_KEM_PKCS8, seed);
}

function mlKemShare(key: KeyObject): Bytes {
  const { pub } = createPublicKey(key).export({ format: 'jwk' });
  return fromBase64Url(pub);
}

/** OpenSSL checks the modulus (FIPS 203 §7.2) on import. */
function importMlKem(key: Bytes): KeyObject {
  try {
    return importPublicKey(concat([ML_KEM_SPKI, key]));
  } catch (error) {
    throw badShare('the ML-KEM key is not reduced', error);
  }
}

function agree(own: KeyObject, peer: Bytes): Bytes {
  const publicKey = importPublicKey(concat([X25519_SPKI, peer]));
  let secret: Buffer;
  try {
    secret = diffieHellman({ privateKey: own, publicKey });
  } catch (error) {
    throw badShare('an X25519 share is of small order', error);
  }
  // OpenSSL refuses it already; this product does not rest on that.
  if (isAllZero(secret)) throw badShare('an X25519 share is of small order');
  return plain(secret);
}

function combine(ssM: Bytes, ssX: Bytes, ctX: Bytes, pkX: Bytes): Secret {
  const hash = createHash('sha3-256');
  for (const part of combinerParts(ssM, ssX, ctX, pkX)) hash.update(part);
  const secret = new Secret(plain(hash.digest()));
  ssM.fill(0);
  ssX.fill(0);
  return secret;
}

function importPrivateKey(prefix: Bytes, seed: Bytes): KeyObject {
  return createPrivateKey({ key: Buffer.from(concat([prefix, seed])), format: 'der', type: 'pkcs8' });
}

function fromBase64Url(text: unknown): Bytes {
  if (typeof text !== 'string') throw new XpsError('internal_error', { detail: 'a public key could not be exported' });
  return plain(Buffer.from(text, 'base64url'));
}
