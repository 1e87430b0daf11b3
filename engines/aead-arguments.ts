import type { Bytes } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';
import { AEAD_PARAMETERS, type AeadAlgorithm } from './contract.ts';

/** The rules for arguments of AeadCipher, the same for every engine. */

export const TAG_LENGTH = 16;

export function checkAeadKey(algorithm: AeadAlgorithm, key: Bytes): void {
  const { keyLength } = AEAD_PARAMETERS[algorithm];
  if (key.length !== keyLength) {
    throw new XpsError('key_invalid', { detail: `${algorithm} takes ${keyLength} bytes, not ${key.length}` });
  }
}

export function checkNonce(algorithm: AeadAlgorithm, nonce: Bytes): void {
  const { nonceLength } = AEAD_PARAMETERS[algorithm];
  if (nonce.length !== nonceLength) {
    throw new XpsError('nonce_invalid', { detail: `${algorithm} takes ${nonceLength} bytes, not ${nonce.length}` });
  }
}

export function checkSealBuffers(plaintext: Bytes, out: Bytes): void {
  if (out.length !== plaintext.length + TAG_LENGTH) {
    throw misuse(`the output has ${out.length} bytes, ${plaintext.length + TAG_LENGTH} are needed`);
  }
  checkOverlap(plaintext, out);
}

/** False when `sealed` is too short to hold a tag: nothing that could authenticate. */
export function checkOpenBuffers(sealed: Bytes, out: Bytes): boolean {
  if (sealed.length < TAG_LENGTH) return false;
  if (out.length !== sealed.length - TAG_LENGTH) {
    throw misuse(`the output has ${out.length} bytes, ${sealed.length - TAG_LENGTH} are needed`);
  }
  checkOverlap(sealed, out);
  return true;
}

/** Same start is in place; any other overlap would read what was already overwritten. */
function checkOverlap(input: Bytes, out: Bytes): void {
  if (input.buffer !== out.buffer || input.byteOffset === out.byteOffset) return;
  const isApart =
    input.byteOffset + input.length <= out.byteOffset || out.byteOffset + out.length <= input.byteOffset;
  if (!isApart) throw misuse('input and output overlap without starting at the same place');
}

export function disposed(): XpsError {
  return misuse('a key was used after it was disposed');
}

function misuse(detail: string): XpsError {
  return new XpsError('internal_error', { detail });
}
