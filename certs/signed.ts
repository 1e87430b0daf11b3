import { type Bytes, equalBytes } from '../base/bytes.ts';
import type { CertificateSignatureAlgorithm } from '../engines/contract.ts';
import { contextConstructed, type DerCursor, type DerElement, malformed, TAG } from './der.ts';
import { HASH } from './oids.ts';
import type { PublicKeyForm } from './public-key.ts';

/** What certificates, CRLs and OCSP answers have in common: signed bytes, an algorithm, a signature. */
export interface Signed {
  readonly signedBytes: Bytes;
  readonly signature: Bytes;
  readonly signatureAlgorithm: SignatureForm;
}

type SignatureHash = 'sha256' | 'sha384' | 'sha512';

/** What an AlgorithmIdentifier says; ECDSA names only the hash, the curve comes from the key. */
export type SignatureForm =
  | { readonly kind: 'ed25519' }
  | { readonly kind: 'ecdsa' | 'rsa_pkcs1' | 'rsa_pss'; readonly hash: SignatureHash }
  /** Well formed, but none that is accepted; `text` names it for messages. */
  | { readonly kind: 'unsupported'; readonly text: string };

const SIMPLE_FORMS: ReadonlyMap<string, SignatureForm> = new Map<string, SignatureForm>([
  ['1.2.840.10045.4.3.2', { kind: 'ecdsa', hash: 'sha256' }],
  ['1.2.840.10045.4.3.3', { kind: 'ecdsa', hash: 'sha384' }],
  ['1.2.840.10045.4.3.4', { kind: 'ecdsa', hash: 'sha512' }],
  ['1.2.840.113549.1.1.11', { kind: 'rsa_pkcs1', hash: 'sha256' }],
  ['1.2.840.113549.1.1.12', { kind: 'rsa_pkcs1', hash: 'sha384' }],
  ['1.2.840.113549.1.1.13', { kind: 'rsa_pkcs1', hash: 'sha512' }],
  ['1.3.101.112', { kind: 'ed25519' }],
]);

const UNSUPPORTED_NAMES: ReadonlyMap<string, string> = new Map([
  ['1.2.840.113549.1.1.4', 'MD5 with RSA'],
  ['1.2.840.113549.1.1.5', 'SHA-1 with RSA'],
  ['1.2.840.113549.1.1.14', 'SHA-224 with RSA'],
  ['1.2.840.10045.4.1', 'ECDSA with SHA-1'],
  ['1.2.840.10045.4.3.1', 'ECDSA with SHA-224'],
  ['1.2.840.10040.4.3', 'DSA with SHA-1'],
  ['2.16.840.1.101.3.4.3.1', 'DSA with SHA-224'],
  ['2.16.840.1.101.3.4.3.2', 'DSA with SHA-256'],
  ['1.3.101.113', 'Ed448'],
]);

const RSASSA_PSS = '1.2.840.113549.1.1.10';
const MGF1 = '1.2.840.113549.1.1.8';

const PSS_HASHES: ReadonlyMap<string, { hash: SignatureHash; length: number }> = new Map([
  [HASH.sha256, { hash: 'sha256', length: 32 }],
  [HASH.sha384, { hash: 'sha384', length: 48 }],
  [HASH.sha512, { hash: 'sha512', length: 64 }],
]);

/** The parts of SEQUENCE { content, AlgorithmIdentifier, BIT STRING }. */
export interface SignedParts extends Signed {
  readonly content: DerElement;
  readonly algorithm: DerElement;
}

/** `rest` reads what may follow the signature; certificates and CRLs have nothing there. */
export function parseSigned(element: DerElement, field: string, rest?: (cursor: DerCursor) => void): SignedParts {
  const cursor = element.expect(TAG.sequence, field).cursor();
  const content = cursor.take(TAG.sequence, `${field} content`);
  const algorithm = cursor.take(TAG.sequence, `${field} signatureAlgorithm`);
  const signature = cursor.take(TAG.bitString, `${field} signature`).wholeBits(`${field} signature`);
  rest?.(cursor);
  cursor.end(field);
  if (signature.length === 0) throw malformed(`${field} has an empty signature`);
  return {
    content,
    algorithm,
    signedBytes: content.raw,
    signature,
    signatureAlgorithm: parseSignatureAlgorithm(algorithm, field),
  };
}

/** RFC 5280 §4.1.1.2, §5.1.1.2: the algorithm inside the signature's protection and outside it must be the same. */
export function expectSameAlgorithm(outer: DerElement, inner: DerElement, field: string): void {
  if (!equalBytes(outer.raw, inner.raw)) throw malformed(`${field} names two different signature algorithms`);
}

/** The algorithm that the engine is to verify with, or what stands against it. */
export function verificationAlgorithm(form: SignatureForm, key: PublicKeyForm): CertificateSignatureAlgorithm | undefined {
  switch (form.kind) {
    case 'ed25519':
      return key.algorithm === 'ed25519' ? 'ed25519' : undefined;
    case 'ecdsa':
      return key.algorithm === 'p256' || key.algorithm === 'p384' ? `ecdsa_${key.algorithm}_${form.hash}` : undefined;
    case 'rsa_pkcs1':
    case 'rsa_pss':
      return key.algorithm === 'rsa' ? `${form.kind}_${form.hash}` : undefined;
    case 'unsupported':
      return undefined;
  }
}

function parseSignatureAlgorithm(element: DerElement, field: string): SignatureForm {
  const cursor = element.cursor();
  const oid = cursor.take(TAG.oid, `${field} signatureAlgorithm`).oid(field);
  const parameters = cursor.isAtEnd ? undefined : cursor.next();
  cursor.end(`${field} signatureAlgorithm`);
  if (oid === RSASSA_PSS) return pssForm(parameters);
  const form = SIMPLE_FORMS.get(oid);
  if (form === undefined) return { kind: 'unsupported', text: UNSUPPORTED_NAMES.get(oid) ?? `algorithm ${oid}` };
  // RFC 4055 §5: NULL, and absent must be accepted as well. RFC 5758 §3.2, RFC 8410 §3: absent.
  const isAllowed = parameters === undefined || (form.kind === 'rsa_pkcs1' && parameters.tag === TAG.null);
  if (!isAllowed) throw malformed(`${field}: the signature algorithm has parameters that do not belong to it`);
  return form;
}

/**
 * RFC 4055 §3.1. Only what RFC 8446 and the CA practice use: the same SHA-2 for the message and for MGF1, a salt as
 * long as the hash. The defaults are SHA-1 and therefore never acceptable.
 */
function pssForm(parameters: DerElement | undefined): SignatureForm {
  const field = 'RSASSA-PSS parameters';
  const odd: SignatureForm = { kind: 'unsupported', text: 'RSASSA-PSS with unusual parameters' };
  if (parameters === undefined) return odd;
  const cursor = parameters.expect(TAG.sequence, field).cursor();
  const hash = cursor.optional(contextConstructed(0));
  const mask = cursor.optional(contextConstructed(1));
  const salt = cursor.optional(contextConstructed(2));
  const trailer = cursor.optional(contextConstructed(3));
  cursor.end(field);
  if (trailer?.inner(field).smallInteger(field) === 1) throw malformed(`${field} spell out a default`);
  if (hash === undefined || mask === undefined || salt === undefined || trailer !== undefined) return odd;

  const [maskOid, maskParameters] = algorithmOf(mask.inner(field), field);
  const [hashOid, hashParameters] = algorithmOf(hash.inner(field), field);
  const saltElement = salt.inner(field);
  const saltLength = saltElement.smallInteger(field);
  if (maskOid !== MGF1 || maskParameters === undefined) return odd;
  const [maskHashOid, maskHashParameters] = algorithmOf(maskParameters, field);
  for (const each of [hashParameters, maskHashParameters]) {
    if (each !== undefined && each.tag !== TAG.null) throw malformed(`${field}: a hash has parameters`);
  }
  const chosen = PSS_HASHES.get(hashOid);
  return chosen === undefined || maskHashOid !== hashOid || saltLength !== chosen.length
    ? odd
    : { kind: 'rsa_pss', hash: chosen.hash };
}

function algorithmOf(element: DerElement, field: string): [oid: string, parameters: DerElement | undefined] {
  const cursor = element.expect(TAG.sequence, field).cursor();
  const oid = cursor.take(TAG.oid, field).oid(field);
  const parameters = cursor.isAtEnd ? undefined : cursor.next();
  cursor.end(field);
  return [oid, parameters];
}
