import { x25519 } from '@noble/curves/ed25519.js';
import { sha3_256, shake256 } from '@noble/hashes/sha3.js';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import { concat, type Bytes } from '../../base/bytes.ts';
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

/** noble computes with BigInt, which the language does not promise to do in constant time. */
export const portableKeyExchange: KeyExchangeProvider = {
  name: 'portable',
  groups: ['X25519', 'XWING'],
  initiate,
  respond,
};

interface PrivateHalves {
  readonly x25519: Bytes;
  readonly mlKem?: Bytes;
}

class PortableKeyShare implements KeyShare {
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
    try {
      checkAnsweredGroup(this.group, group);
      checkAnswer(group, answer);
      if (group === 'X25519' || keys.mlKem === undefined) return new Secret(agree(keys.x25519, answer));
      const { mlKem, x25519: ctX } = splitAnswer(answer);
      const ssX = agree(keys.x25519, ctX);
      return combine(ml_kem768.decapsulate(mlKem, keys.mlKem), ssX, ctX, this.#shareX);
    } finally {
      wipe(keys);
    }
  }

  [Symbol.dispose](): void {
    if (this.#private !== undefined) wipe(this.#private);
    this.#private = undefined;
  }
}

function initiate(group: Group, seed?: Bytes): KeyShare {
  if (seed !== undefined) checkInitiateSeed(group, seed);
  if (group === 'X25519') {
    const key = seed === undefined ? x25519.utils.randomSecretKey() : Uint8Array.from(seed);
    const share = x25519.getPublicKey(key);
    return new PortableKeyShare(group, share, share, { x25519: key });
  }
  const own = seed === undefined ? x25519.utils.randomSecretKey() : Uint8Array.from(seed);
  const expanded = shake256(own, { dkLen: 96 });
  const mlKem = ml_kem768.keygen(expanded.subarray(0, 64));
  const key = expanded.slice(64);
  const shareX = x25519.getPublicKey(key);
  own.fill(0);
  expanded.fill(0);
  return new PortableKeyShare(group, concat([mlKem.publicKey, shareX]), shareX, { x25519: key, mlKem: mlKem.secretKey });
}

function respond(group: Group, share: Bytes, seed?: Bytes): KeyAnswer {
  checkShare(group, share);
  if (seed !== undefined) checkRespondSeed(group, seed);
  const key = seed === undefined ? x25519.utils.randomSecretKey() : seed.slice(-32);
  try {
    const answerX = x25519.getPublicKey(key);
    if (group === 'X25519') return { answer: answerX, secret: new Secret(agree(key, share)) };
    const peer = splitShare(share);
    const { cipherText, sharedSecret } = encapsulate(peer.mlKem, seed?.subarray(0, 32));
    const secret = combine(sharedSecret, agree(key, peer.x25519), answerX, peer.x25519);
    return { answer: concat([cipherText, answerX]), secret };
  } finally {
    key.fill(0);
  }
}

/** noble checks the modulus (FIPS 203 §7.2); the length was checked, so nothing else is left to throw for. */
function encapsulate(peer: Bytes, message?: Bytes): { readonly cipherText: Bytes; readonly sharedSecret: Bytes } {
  try {
    return ml_kem768.encapsulate(peer, message);
  } catch (error) {
    throw badShare('the ML-KEM key is not reduced', error);
  }
}

function agree(own: Bytes, peer: Bytes): Bytes {
  let secret: Bytes;
  try {
    secret = x25519.getSharedSecret(own, peer);
  } catch (error) {
    throw badShare('an X25519 share is of small order', error);
  }
  // noble refuses it already; this product does not rest on that.
  if (isAllZero(secret)) throw badShare('an X25519 share is of small order');
  return secret;
}

function combine(ssM: Bytes, ssX: Bytes, ctX: Bytes, pkX: Bytes): Secret {
  const hash = sha3_256.create();
  for (const part of combinerParts(ssM, ssX, ctX, pkX)) hash.update(part);
  const secret = new Secret(hash.digest());
  ssM.fill(0);
  ssX.fill(0);
  return secret;
}

function wipe(keys: PrivateHalves): void {
  keys.x25519.fill(0);
  keys.mlKem?.fill(0);
}
