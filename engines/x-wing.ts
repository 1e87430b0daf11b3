import { utf8, type Bytes } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';
import type { Group } from './contract.ts';

/** Sizes and parts of X-Wing (draft-connolly-cfrg-xwing-kem-06 §5) and X25519, the same for every engine. */

export const X25519_LENGTH = 32;
const ML_KEM_KEY_LENGTH = 1184;
const ML_KEM_CIPHERTEXT_LENGTH = 1088;

const SHARE_LENGTH: Readonly<Record<Group, number>> = { X25519: 32, XWING: ML_KEM_KEY_LENGTH + 32 };
const ANSWER_LENGTH: Readonly<Record<Group, number>> = { X25519: 32, XWING: ML_KEM_CIPHERTEXT_LENGTH + 32 };
/** What fixes the randomness of an initiator and of a responder. */
const INITIATE_SEED_LENGTH: Readonly<Record<Group, number>> = { X25519: 32, XWING: 32 };
const RESPOND_SEED_LENGTH: Readonly<Record<Group, number>> = { X25519: 32, XWING: 64 };

const LABEL: Bytes = utf8('\\.//^\\');

export interface Halves {
  readonly mlKem: Bytes;
  readonly x25519: Bytes;
}

export const splitShare = (share: Bytes): Halves => split(share, ML_KEM_KEY_LENGTH);
export const splitAnswer = (answer: Bytes): Halves => split(answer, ML_KEM_CIPHERTEXT_LENGTH);

function split(whole: Bytes, at: number): Halves {
  return { mlKem: whole.subarray(0, at), x25519: whole.subarray(at) };
}

/** §5.3 Combiner: the input of SHA3-256. */
export function combinerParts(ssM: Bytes, ssX: Bytes, ctX: Bytes, pkX: Bytes): readonly Bytes[] {
  return [ssM, ssX, ctX, pkX, LABEL];
}

export function checkShare(group: Group, share: Bytes): void {
  if (share.length !== SHARE_LENGTH[group]) throw badShare(`a ${group} share has ${share.length} bytes`);
}

export function checkAnswer(group: Group, answer: Bytes): void {
  if (answer.length !== ANSWER_LENGTH[group]) throw badShare(`a ${group} answer has ${answer.length} bytes`);
}

export function checkInitiateSeed(group: Group, seed: Bytes): void {
  if (seed.length !== INITIATE_SEED_LENGTH[group]) throw badSeed(group, seed);
}

export function checkRespondSeed(group: Group, seed: Bytes): void {
  if (seed.length !== RESPOND_SEED_LENGTH[group]) throw badSeed(group, seed);
}

/** RFC 7748 §6.1: the peer sent a point of small order. */
export function isAllZero(secret: Bytes): boolean {
  let bits = 0;
  for (const byte of secret) bits |= byte;
  return bits === 0;
}

/** An X-Wing share can also be answered as X25519 (docs/PROTOCOL.md §4.1), never the other way round. */
export function checkAnsweredGroup(offered: Group, answered: Group): void {
  if (answered !== offered && answered !== 'X25519') {
    throw badShare(`a ${offered} share was answered as ${answered}`);
  }
}

export function badShare(detail: string, cause?: unknown): XpsError {
  return new XpsError('key_share_invalid', cause === undefined ? { detail } : { detail, cause });
}

export function usedTwice(): XpsError {
  return new XpsError('internal_error', { detail: 'a key share was used twice or after it was disposed' });
}

function badSeed(group: Group, seed: Bytes): XpsError {
  return new XpsError('key_invalid', { detail: `a seed for ${group} has ${seed.length} bytes` });
}
