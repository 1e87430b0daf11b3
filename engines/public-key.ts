import { concat, equalBytes, fromHex, type Bytes } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';
import { DerReader, SEQUENCE } from './der.ts';
import { isAcceptablePoint } from './ed25519-encoding.ts';

/** A strictly parsed SubjectPublicKeyInfo. That an EC point lies on its curve is left to the engine. */
export type PublicKey =
  | { readonly algorithm: 'ed25519'; readonly bits: 255; readonly point: Bytes }
  | { readonly algorithm: 'p256'; readonly bits: 256; readonly point: Bytes }
  | { readonly algorithm: 'p384'; readonly bits: 384; readonly point: Bytes }
  | { readonly algorithm: 'rsa'; readonly bits: number; readonly modulus: Bytes; readonly exponent: Bytes };

// All but the key itself is fixed for these algorithms, so a comparison is the strictest parser
// (RFC 8410 §4; RFC 5480 §2.1.1 with namedCurve and the uncompressed form; RFC 3279 §2.3.1).
export const ED25519_PREFIX: Bytes = fromHex('302a300506032b6570032100');
export const P256_PREFIX: Bytes = fromHex('3059301306072a8648ce3d020106082a8648ce3d030107034200');
export const P384_PREFIX: Bytes = fromHex('3076301006072a8648ce3d020106052b81040022036200');
const RSA_ALGORITHM: Bytes = fromHex('06092a864886f70d0101010500');

const MIN_RSA_BITS = 2048;
const MAX_RSA_BITS = 8192;
/** As other strict verifiers have it: real keys use 65537 or 3, and larger exponents only cost time. */
const MAX_EXPONENT_BITS = 33;

/** Throws `key_invalid`. */
export function parsePublicKey(spki: Bytes, minRsaBits: number = MIN_RSA_BITS): PublicKey {
  const ed25519 = after(ED25519_PREFIX, spki, 32);
  if (ed25519 !== undefined) {
    if (!isAcceptablePoint(ed25519)) {
      throw invalid('the Ed25519 point is not canonical, not on the curve, or of small order');
    }
    return { algorithm: 'ed25519', bits: 255, point: ed25519 };
  }
  const p256 = after(P256_PREFIX, spki, 65);
  if (p256 !== undefined) return { algorithm: 'p256', bits: 256, point: uncompressed(p256) };
  const p384 = after(P384_PREFIX, spki, 97);
  if (p384 !== undefined) return { algorithm: 'p384', bits: 384, point: uncompressed(p384) };
  return parseRsa(spki, minRsaBits);
}

export function ecSpki(algorithm: 'p256' | 'p384', point: Bytes): Bytes {
  return concat([algorithm === 'p256' ? P256_PREFIX : P384_PREFIX, point]);
}

function after(prefix: Bytes, spki: Bytes, length: number): Bytes | undefined {
  const isSo = spki.length === prefix.length + length && equalBytes(spki.subarray(0, prefix.length), prefix);
  return isSo ? spki.subarray(prefix.length) : undefined;
}

function uncompressed(point: Bytes): Bytes {
  if (point[0] !== 0x04) throw invalid('an EC point is not in uncompressed form');
  return point;
}

function parseRsa(spki: Bytes, minBits: number): PublicKey {
  const { modulus, exponent } = rsaNumbers(spki);
  const bits = bitLength(modulus);
  if (bits < minBits || bits > MAX_RSA_BITS) {
    throw invalid(`an RSA key has ${bits} bits, ${minBits} to ${MAX_RSA_BITS} are accepted`);
  }
  if (((modulus.at(-1) as number) & 1) === 0) throw invalid('an RSA modulus is even');
  const exponentBits = bitLength(exponent);
  if (((exponent.at(-1) as number) & 1) === 0 || exponentBits < 2 || exponentBits > MAX_EXPONENT_BITS) {
    throw invalid('an RSA exponent is even, 1, or too large');
  }
  return { algorithm: 'rsa', bits, modulus, exponent };
}

function rsaNumbers(spki: Bytes): { readonly modulus: Bytes; readonly exponent: Bytes } {
  try {
    const outer = new DerReader(spki);
    const info = outer.nested(SEQUENCE);
    outer.end();
    const algorithm = info.element(SEQUENCE);
    if (!equalBytes(algorithm, RSA_ALGORITHM)) {
      throw invalid('neither Ed25519, ECDSA on the named curves P-256 or P-384, nor RSA (rsaEncryption)');
    }
    const key = new DerReader(info.bitString());
    info.end();
    const numbers = key.nested(SEQUENCE);
    key.end();
    const [modulus, exponent] = [numbers.positiveInteger(), numbers.positiveInteger()];
    numbers.end();
    return { modulus, exponent };
  } catch (error) {
    if (error instanceof XpsError && error.reason === 'malformed') throw invalid(error.detail);
    throw error;
  }
}

function bitLength(number: Bytes): number {
  return number.length * 8 - (Math.clz32(number[0] as number) - 24);
}

function invalid(detail: string): XpsError {
  return new XpsError('key_invalid', { detail });
}
