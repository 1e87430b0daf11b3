import { type DerElement, malformed, parseWholeDer, TAG } from './der.ts';

/** What a SubjectPublicKeyInfo holds, read without loading the key. `unsupported` keys are refused as weak. */
export interface PublicKeyForm {
  readonly algorithm: 'ed25519' | 'p256' | 'p384' | 'rsa' | 'unsupported';
  /** Modulus bits for RSA, curve bits otherwise; 0 when unsupported. */
  readonly bits: number;
  /** For messages: the algorithm as people call it. */
  readonly text: string;
}

const RSA_ENCRYPTION = '1.2.840.113549.1.1.1';
const EC_PUBLIC_KEY = '1.2.840.10045.2.1';
const ED25519 = '1.3.101.112';

const CURVES: ReadonlyMap<string, { algorithm: 'p256' | 'p384'; bits: number; text: string }> = new Map([
  ['1.2.840.10045.3.1.7', { algorithm: 'p256', bits: 256, text: 'P-256' }],
  ['1.3.132.0.34', { algorithm: 'p384', bits: 384, text: 'P-384' }],
]);

const UNSUPPORTED_NAMES: ReadonlyMap<string, string> = new Map([
  ['1.2.840.10040.4.1', 'DSA'],
  ['1.2.840.113549.1.1.10', 'RSA bound to PSS'],
  ['1.3.101.113', 'Ed448'],
  ['1.2.840.10045.3.1.1', 'P-192'],
  ['1.3.132.0.33', 'P-224'],
  ['1.3.132.0.35', 'P-521'],
  ['1.3.132.0.10', 'secp256k1'],
]);

/** Longer public exponents make verification arbitrarily slow and serve nobody. */
const MAX_EXPONENT_BYTES = 5;

/** RFC 5280 §4.1.2.7 with RFC 3279 §2.3.1, RFC 5480 §2, RFC 8410 §4. The element was checked to be DER. */
export function parsePublicKey(element: DerElement): PublicKeyForm {
  const field = 'subjectPublicKeyInfo';
  const cursor = element.expect(TAG.sequence, field).cursor();
  const algorithm = cursor.take(TAG.sequence, `${field} algorithm`).cursor();
  const key = cursor.take(TAG.bitString, field);
  cursor.end(field);
  const oid = algorithm.take(TAG.oid, `${field} algorithm`).oid(field);
  const parameters = algorithm.isAtEnd ? undefined : algorithm.next();
  algorithm.end(`${field} algorithm`);
  switch (oid) {
    case RSA_ENCRYPTION:
      if (parameters?.tag !== TAG.null) throw malformed('the parameters of an RSA key must be NULL');
      return rsaKey(key);
    case EC_PUBLIC_KEY:
      return ecKey(key, parameters);
    case ED25519:
      if (parameters !== undefined) throw malformed('an Ed25519 key has parameters');
      if (key.wholeBits(field).length !== 32) throw malformed('an Ed25519 key is not 32 bytes');
      return { algorithm: 'ed25519', bits: 256, text: 'Ed25519' };
    default:
      return unsupported(UNSUPPORTED_NAMES.get(oid) ?? `algorithm ${oid}`);
  }
}

function rsaKey(key: DerElement): PublicKeyForm {
  const field = 'RSA key';
  const cursor = parseWholeDer(key.wholeBits(field), field).expect(TAG.sequence, field).cursor();
  const modulus = cursor.take(TAG.integer, field).integerBytes('RSA modulus');
  const exponent = cursor.take(TAG.integer, field).integerBytes('RSA exponent');
  cursor.end(field);
  const isEven = (bytes: Uint8Array): boolean => ((bytes.at(-1) as number) & 1) === 0;
  const isNegative = (bytes: Uint8Array): boolean => ((bytes[0] as number) & 0x80) !== 0;
  if (isNegative(modulus) || isEven(modulus)) throw malformed('an RSA modulus is negative or even');
  if (isNegative(exponent) || isEven(exponent) || (exponent.length === 1 && exponent[0] === 1)) {
    throw malformed('an RSA exponent is negative, even or one');
  }
  if (exponent.length > MAX_EXPONENT_BYTES) return unsupported('RSA with an exponent of more than 33 bits');
  const lead = modulus[0] === 0 ? 1 : 0;
  const bits = (modulus.length - lead) * 8 - Math.clz32(modulus[lead] as number) + 24;
  return { algorithm: 'rsa', bits, text: `RSA ${bits}` };
}

function ecKey(key: DerElement, parameters: DerElement | undefined): PublicKeyForm {
  if (parameters === undefined || parameters.tag === TAG.null) throw malformed('an elliptic-curve key names no curve');
  if (parameters.tag !== TAG.oid) return unsupported('an elliptic curve by explicit parameters');
  const oid = parameters.oid('curve');
  const curve = CURVES.get(oid);
  if (curve === undefined) return unsupported(UNSUPPORTED_NAMES.get(oid) ?? `curve ${oid}`);
  const point = key.wholeBits('elliptic-curve point');
  const size = curve.bits / 8;
  if (point.length === size + 1 && (point[0] === 2 || point[0] === 3)) return unsupported(`${curve.text} with a compressed point`);
  if (point.length !== 2 * size + 1 || point[0] !== 4) throw malformed(`a ${curve.text} point is malformed`);
  return curve;
}

function unsupported(text: string): PublicKeyForm {
  return { algorithm: 'unsupported', bits: 0, text };
}
