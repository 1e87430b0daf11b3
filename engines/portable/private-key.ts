import { equalBytes, fromHex, type Bytes } from '../../base/bytes.ts';
import { XpsError } from '../../base/errors.ts';
import { DerReader, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE } from '../der.ts';
import type { PrivateKeyFile } from '../private-key-file.ts';

export interface PrivateKey {
  readonly algorithm: 'ed25519' | 'p256' | 'p384';
  /** Seed of Ed25519, or scalar. The caller wipes it. */
  readonly secret: Bytes;
  /** The public half, where the file carries it: to be compared with the computed one. */
  readonly point: Bytes | undefined;
}

type Curve = 'p256' | 'p384';

const ED25519 = fromHex('2b6570');
const EC_PUBLIC_KEY = fromHex('2a8648ce3d0201');
const RSA_ENCRYPTION = fromHex('2a864886f70d010101');
const CURVES: Readonly<Record<Curve, Bytes>> = { p256: fromHex('2a8648ce3d030107'), p384: fromHex('2b81040022') };
const SCALAR_LENGTH: Readonly<Record<Curve, number>> = { p256: 32, p384: 48 };

const EXPLICIT_0 = 0xa0;
const EXPLICIT_1 = 0xa1;
const IMPLICIT_1 = 0x81;

/** Throws `key_invalid`, and `algorithm_unavailable` for RSA. */
export function parsePrivateKey({ form, der }: PrivateKeyFile): PrivateKey {
  if (form === 'pkcs1') throw rsaUnavailable();
  try {
    return form === 'pkcs8' ? parsePkcs8(der) : parseSec1(der, undefined);
  } catch (error) {
    if (error instanceof XpsError && error.reason === 'malformed') throw invalid(error.detail);
    throw error;
  }
}

/** RFC 5958 §2. */
function parsePkcs8(der: Bytes): PrivateKey {
  const outer = new DerReader(der);
  const info = outer.nested(SEQUENCE);
  outer.end();
  info.element(INTEGER);
  const algorithm = info.nested(SEQUENCE);
  const identifier = algorithm.element(OBJECT_IDENTIFIER);
  const key = info.element(OCTET_STRING);
  if (equalBytes(identifier, ED25519)) {
    algorithm.end();
    if (info.nextIs(EXPLICIT_0)) info.element(EXPLICIT_0);
    const point = info.nextIs(IMPLICIT_1) ? info.element(IMPLICIT_1).subarray(1) : undefined;
    info.end();
    return parseEd25519(key, point);
  }
  if (equalBytes(identifier, EC_PUBLIC_KEY)) {
    const curve = curveOf(algorithm.element(OBJECT_IDENTIFIER));
    algorithm.end();
    return parseSec1(key, curve);
  }
  throw equalBytes(identifier, RSA_ENCRYPTION) ? rsaUnavailable() : invalid('neither Ed25519, P-256, P-384 nor RSA');
}

/** RFC 8410 §7. */
function parseEd25519(key: Bytes, point: Bytes | undefined): PrivateKey {
  const reader = new DerReader(key);
  const seed = reader.element(OCTET_STRING);
  reader.end();
  if (seed.length !== 32) throw invalid('an Ed25519 seed has 32 bytes');
  return { algorithm: 'ed25519', secret: Uint8Array.from(seed), point };
}

/** RFC 5915 §3; the curve stands in the key or, in PKCS#8, beside it. */
function parseSec1(der: Bytes, outerCurve: Curve | undefined): PrivateKey {
  const outer = new DerReader(der);
  const key = outer.nested(SEQUENCE);
  outer.end();
  key.element(INTEGER);
  const scalar = key.element(OCTET_STRING);
  const ownCurve = key.nextIs(EXPLICIT_0) ? curveOf(key.nested(EXPLICIT_0).element(OBJECT_IDENTIFIER)) : undefined;
  const point = key.nextIs(EXPLICIT_1) ? key.nested(EXPLICIT_1).bitString() : undefined;
  key.end();
  const curve = outerCurve ?? ownCurve;
  if (curve === undefined || (ownCurve !== undefined && ownCurve !== curve)) throw invalid('the curve is not named');
  if (scalar.length !== SCALAR_LENGTH[curve]) throw invalid(`a ${curve} scalar has ${SCALAR_LENGTH[curve]} bytes`);
  return { algorithm: curve, secret: Uint8Array.from(scalar), point };
}

function curveOf(identifier: Bytes): Curve {
  if (equalBytes(identifier, CURVES.p256)) return 'p256';
  if (equalBytes(identifier, CURVES.p384)) return 'p384';
  throw invalid('the curve is neither P-256 nor P-384');
}

function rsaUnavailable(): XpsError {
  return new XpsError('algorithm_unavailable', { detail: 'the portable engine has no RSA' });
}

function invalid(detail: string): XpsError {
  return new XpsError('key_invalid', { detail });
}
