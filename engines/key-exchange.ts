import { concat, utf8, type Bytes } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import type { Group, KeyAnswer, KeyExchangeProvider, KeyShare } from './contract.ts';

/**
 * X25519 (RFC 7748) and X-Wing (draft-connolly-cfrg-xwing-kem-06 §5) over the primitives of an engine. All lengths are
 * checked here.
 */

export interface X25519Key extends Disposable {
  readonly share: Bytes;
  /** 32 bytes; may be all zero, or throw for the same reason. The peer's share may be any 32 bytes. */
  agree(peerShare: Bytes): Bytes;
}

export interface MlKemKey extends Disposable {
  /** 1184 bytes. */
  readonly encapsulationKey: Bytes;
  /** 32 bytes for any 1088 (FIPS 203 §6.3 rejects implicitly). */
  decapsulate(ciphertext: Bytes): Bytes;
}

export interface MlKemSecret {
  readonly ciphertext: Bytes;
  readonly sharedSecret: Bytes;
}

export interface MlKem {
  /** `seed` is d ‖ z (FIPS 203 §7.1), 64 bytes. */
  generate(seed?: Bytes): MlKemKey;
  /** Throws when the key is not reduced (FIPS 203 §7.2), and `algorithm_unavailable` for a message it cannot take. */
  encapsulate(encapsulationKey: Bytes, message?: Bytes): MlKemSecret;
}

export interface KeyExchangePrimitives {
  readonly name: string;
  x25519(seed?: Bytes): X25519Key;
  readonly mlKem: MlKem | undefined;
  shake256(input: Bytes, length: number): Bytes;
  sha3_256(parts: readonly Bytes[]): Uint8Array<ArrayBuffer>;
}

const ML_KEM_KEY_LENGTH = 1184;
const ML_KEM_CIPHERTEXT_LENGTH = 1088;
const SHARE_LENGTH: Readonly<Record<Group, number>> = { X25519: 32, XWING: ML_KEM_KEY_LENGTH + 32 };
const ANSWER_LENGTH: Readonly<Record<Group, number>> = { X25519: 32, XWING: ML_KEM_CIPHERTEXT_LENGTH + 32 };
const INITIATE_SEED_LENGTH: Readonly<Record<Group, number>> = { X25519: 32, XWING: 32 };
const RESPOND_SEED_LENGTH: Readonly<Record<Group, number>> = { X25519: 32, XWING: 64 };

const XWING_LABEL = utf8('\\.//^\\');

export function keyExchangeProvider(primitives: KeyExchangePrimitives): KeyExchangeProvider {
  const { mlKem } = primitives;
  return {
    name: primitives.name,
    groups: mlKem === undefined ? ['X25519'] : ['X25519', 'XWING'],
    initiate(group, seed) {
      if (seed !== undefined) checkSeed(group, seed, INITIATE_SEED_LENGTH);
      return group === 'X25519'
        ? new X25519Share(primitives.x25519(seed))
        : initiateXWing(primitives, demandMlKem(mlKem), seed);
    },
    respond(group, share, seed) {
      if (share.length !== SHARE_LENGTH[group]) throw badShare(`a ${group} share has ${share.length} bytes`);
      if (seed !== undefined) checkSeed(group, seed, RESPOND_SEED_LENGTH);
      return group === 'X25519'
        ? respondX25519(primitives, share, seed)
        : respondXWing(primitives, demandMlKem(mlKem), share, seed);
    },
  };
}

class X25519Share implements KeyShare {
  readonly group = 'X25519';
  readonly share: Bytes;
  #key: X25519Key | undefined;

  constructor(key: X25519Key) {
    this.share = key.share;
    this.#key = key;
  }

  complete(group: Group, answer: Bytes): Secret {
    if (this.#key === undefined) throw usedTwice();
    using key = this.#key;
    this.#key = undefined;
    if (group !== 'X25519') throw badShare(`an X25519 share was answered as ${group}`);
    checkAnswer(group, answer);
    return new Secret(agree(key, answer));
  }

  [Symbol.dispose](): void {
    this.#key?.[Symbol.dispose]();
    this.#key = undefined;
  }
}

interface XWingKeys {
  readonly x25519: X25519Key;
  readonly mlKem: MlKemKey;
}

class XWingShare implements KeyShare {
  readonly group = 'XWING';
  readonly share: Bytes;
  readonly #primitives: KeyExchangePrimitives;
  #keys: XWingKeys | undefined;

  constructor(primitives: KeyExchangePrimitives, keys: XWingKeys) {
    this.share = concat([keys.mlKem.encapsulationKey, keys.x25519.share]);
    this.#primitives = primitives;
    this.#keys = keys;
  }

  complete(group: Group, answer: Bytes): Secret {
    if (this.#keys === undefined) throw usedTwice();
    using x25519 = this.#keys.x25519;
    using mlKem = this.#keys.mlKem;
    this.#keys = undefined;
    checkAnswer(group, answer);
    if (group === 'X25519') return new Secret(agree(x25519, answer));
    const ctM = answer.subarray(0, ML_KEM_CIPHERTEXT_LENGTH);
    const ctX = answer.subarray(ML_KEM_CIPHERTEXT_LENGTH);
    const ssX = agree(x25519, ctX);
    return combine(this.#primitives, mlKem.decapsulate(ctM), ssX, ctX, x25519.share);
  }

  [Symbol.dispose](): void {
    this.#keys?.x25519[Symbol.dispose]();
    this.#keys?.mlKem[Symbol.dispose]();
    this.#keys = undefined;
  }
}

/** §5.2: a seed expands to both private keys. */
function initiateXWing(primitives: KeyExchangePrimitives, mlKem: MlKem, seed: Bytes | undefined): KeyShare {
  if (seed === undefined) return new XWingShare(primitives, { x25519: primitives.x25519(), mlKem: mlKem.generate() });
  const expanded = primitives.shake256(seed, 96);
  try {
    const keys = { mlKem: mlKem.generate(expanded.subarray(0, 64)), x25519: primitives.x25519(expanded.subarray(64)) };
    return new XWingShare(primitives, keys);
  } finally {
    expanded.fill(0);
  }
}

function respondX25519(primitives: KeyExchangePrimitives, share: Bytes, seed: Bytes | undefined): KeyAnswer {
  using key = primitives.x25519(seed);
  return { answer: key.share, secret: new Secret(agree(key, share)) };
}

/** §5.4; a seed is the ML-KEM message, then the X25519 private key. */
function respondXWing(
  primitives: KeyExchangePrimitives,
  mlKem: MlKem,
  share: Bytes,
  seed: Bytes | undefined,
): KeyAnswer {
  const pkX = share.subarray(ML_KEM_KEY_LENGTH);
  const { ciphertext, sharedSecret } = encapsulate(mlKem, share.subarray(0, ML_KEM_KEY_LENGTH), seed?.subarray(0, 32));
  using key = primitives.x25519(seed?.subarray(32));
  const secret = combine(primitives, sharedSecret, agree(key, pkX), key.share, pkX);
  return { answer: concat([ciphertext, key.share]), secret };
}

function encapsulate(mlKem: MlKem, encapsulationKey: Bytes, message: Bytes | undefined): MlKemSecret {
  try {
    return mlKem.encapsulate(encapsulationKey, message);
  } catch (error) {
    if (error instanceof XpsError) throw error;
    throw badShare('the ML-KEM key is not reduced', error);
  }
}

/** Engines refuse points of small order already; this product does not rest on that (RFC 7748 §6.1). */
function agree(key: X25519Key, peerShare: Bytes): Bytes {
  let secret: Bytes;
  try {
    secret = key.agree(peerShare);
  } catch (error) {
    throw badShare('an X25519 share is of small order', error);
  }
  if (isAllZero(secret)) throw badShare('an X25519 share is of small order');
  return secret;
}

/** §5.3. */
function combine(primitives: KeyExchangePrimitives, ssM: Bytes, ssX: Bytes, ctX: Bytes, pkX: Bytes): Secret {
  const secret = new Secret(primitives.sha3_256([ssM, ssX, ctX, pkX, XWING_LABEL]));
  ssM.fill(0);
  ssX.fill(0);
  return secret;
}

function checkAnswer(group: Group, answer: Bytes): void {
  if (answer.length !== ANSWER_LENGTH[group]) throw badShare(`a ${group} answer has ${answer.length} bytes`);
}

function checkSeed(group: Group, seed: Bytes, lengths: Readonly<Record<Group, number>>): void {
  if (seed.length !== lengths[group]) {
    throw new XpsError('key_invalid', { detail: `a seed for ${group} has ${seed.length} bytes` });
  }
}

function isAllZero(secret: Bytes): boolean {
  let bits = 0;
  for (const byte of secret) bits |= byte;
  return bits === 0;
}

function demandMlKem(mlKem: MlKem | undefined): MlKem {
  if (mlKem === undefined) throw new XpsError('algorithm_unavailable', { detail: 'XWING' });
  return mlKem;
}

function badShare(detail: string, cause?: unknown): XpsError {
  return new XpsError('key_share_invalid', cause === undefined ? { detail } : { detail, cause });
}

function usedTwice(): XpsError {
  return new XpsError('internal_error', { detail: 'a key share was used twice or after it was disposed' });
}
