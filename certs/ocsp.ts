import type { Bytes } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';
import { type RevocationReason, reasonOf } from './crl-index.ts';
import { context, contextConstructed, type DerElement, malformed, parseWholeDer, TAG } from './der.ts';
import { type Extension, extensionValue, parseExtensions } from './extension-list.ts';
import { type Name, parseName } from './names.ts';
import { EXTENSION, HASH, OCSP_BASIC_RESPONSE } from './oids.ts';
import { parseSigned, type Signed } from './signed.ts';

/** RFC 6960 §4.1.1: which certificate is meant. */
export interface CertId {
  readonly hash: 'sha1' | 'sha256' | 'sha384' | 'sha512';
  readonly issuerNameHash: Bytes;
  readonly issuerKeyHash: Bytes;
  readonly serial: Bytes;
}

export interface SingleResponse {
  /** Undefined when it is named by a hash that is not known here. */
  readonly certId: CertId | undefined;
  readonly status: 'good' | 'revoked' | 'unknown';
  readonly reason: RevocationReason | undefined;
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number | undefined;
}

/** A parsed OCSP answer of the basic type. Nothing was verified yet: only `validatePath` decides whether it counts. */
export interface OcspResponse extends Signed {
  readonly der: Bytes;
  readonly responder: { readonly kind: 'name'; readonly name: Name } | { readonly kind: 'key'; readonly sha1: Bytes };
  /** When it was signed. Not judged: RFC 6960 §3.2 asks for thisUpdate and nextUpdate, and answers are made beforehand. */
  readonly producedAtMs: number;
  readonly responses: readonly SingleResponse[];
  /** Of the request that it answers (RFC 9654); undefined: none. */
  readonly nonce: Bytes | undefined;
  /** DER certificates that came along, to be parsed when they are needed. */
  readonly certificates: readonly Bytes[];
  readonly unusable: string | undefined;
}

const MAX_OCSP_BYTES = 64 * 1024;
const MAX_SINGLE_RESPONSES = 256;
const MAX_CERTIFICATES = 8;
const MAX_NONCE_BYTES = 128;

/** RFC 6960 §4.2.1; 4 is unused. */
const ERROR_STATUSES: Readonly<Record<number, string>> = {
  1: 'malformedRequest',
  2: 'internalError',
  3: 'tryLater',
  5: 'sigRequired',
  6: 'unauthorized',
};

const HASH_NAMES: ReadonlyMap<string, { name: CertId['hash']; length: number }> = new Map([
  [HASH.sha1, { name: 'sha1', length: 20 }],
  [HASH.sha256, { name: 'sha256', length: 32 }],
  [HASH.sha384, { name: 'sha384', length: 48 }],
  [HASH.sha512, { name: 'sha512', length: 64 }],
]);

/**
 * Strict DER and the rules of RFC 6960 §4. Throws `certificate_malformed`, and `certificate_status_unknown` when the
 * responder answered with an error status (tryLater, unauthorized …).
 */
export function parseOcspResponse(der: Bytes): OcspResponse {
  if (der.length > MAX_OCSP_BYTES) {
    throw new XpsError('certificate_limit', { detail: `an OCSP answer of ${der.length} bytes, at most ${MAX_OCSP_BYTES} are read` });
  }
  const { content, algorithm: _, certificates, ...signed } = parseBasic(basicResponse(der));
  const cursor = content.cursor();
  // Version 1 is the default, which DER leaves out; there is no other.
  if (cursor.peekTag === contextConstructed(0)) throw malformed('an OCSP answer of an unknown version');
  const responder = parseResponder(cursor.next());
  const producedAtMs = cursor.take(TAG.generalizedTime, 'producedAt').generalizedTime('producedAt');
  const list = cursor.take(TAG.sequence, 'responses').children();
  if (list.length > MAX_SINGLE_RESPONSES) throw new XpsError('certificate_limit', { detail: `${list.length} answers in one OCSP response` });
  const singles = list.map(parseSingle);
  const wrapper = cursor.optional(contextConstructed(1));
  cursor.end('OCSP answer');
  const extensions = wrapper === undefined ? new Map<string, Extension>() : parseExtensions(wrapper.inner('responseExtensions'), 'responseExtensions');
  const nonce = extensions.get(EXTENSION.ocspNonce);
  return {
    ...signed,
    der,
    responder,
    producedAtMs,
    responses: singles.map(({ response }) => response),
    nonce: nonce === undefined ? undefined : parseNonce(nonce),
    certificates,
    unusable: unknownCritical(extensions) ?? singles.find(({ unusable }) => unusable !== undefined)?.unusable,
  };
}

/** OCSPResponse: the status and, when it is successful, the one type of answer that exists. */
function basicResponse(der: Bytes): Bytes {
  const field = 'OCSP response';
  const cursor = parseWholeDer(der, field).expect(TAG.sequence, field).cursor();
  const status = cursor.take(TAG.enumerated, field).as(TAG.integer).smallInteger(field);
  const wrapper = cursor.optional(contextConstructed(0));
  cursor.end(field);
  if (status !== 0) {
    const name = ERROR_STATUSES[status];
    if (name === undefined || wrapper !== undefined) throw malformed(`${field} has an undefined status or an error with content`);
    throw new XpsError('certificate_status_unknown', { detail: `the OCSP responder answered ${name}` });
  }
  if (wrapper === undefined) throw malformed(`${field} has no answer`);
  const bytes = wrapper.inner(field).expect(TAG.sequence, field).cursor();
  const type = bytes.take(TAG.oid, field).oid(field);
  const answer = bytes.take(TAG.octetString, field).octets(field);
  bytes.end(field);
  if (type !== OCSP_BASIC_RESPONSE) throw malformed(`${field} is of the unknown type ${type}`);
  return answer;
}

/** BasicOCSPResponse is a signed structure with certificates behind the signature. */
function parseBasic(bytes: Bytes): ReturnType<typeof parseSigned> & { certificates: Bytes[] } {
  const element = parseWholeDer(bytes, 'OCSP answer').expect(TAG.sequence, 'OCSP answer');
  const certificates: Bytes[] = [];
  const parts = parseSigned(element, 'OCSP answer', (cursor) => {
    const wrapper = cursor.optional(contextConstructed(0));
    if (wrapper === undefined) return;
    const list = wrapper.inner('certs').expect(TAG.sequence, 'certs').children();
    if (list.length > MAX_CERTIFICATES) throw new XpsError('certificate_limit', { detail: `${list.length} certificates in an OCSP answer` });
    certificates.push(...list.map(({ raw }) => raw));
  });
  return { ...parts, certificates };
}

function parseResponder(element: DerElement): OcspResponse['responder'] {
  const field = 'responderID';
  if (element.tag === contextConstructed(1)) return { kind: 'name', name: parseName(element.inner(field), field) };
  const sha1 = element.expect(contextConstructed(2), field).inner(field).octets(field);
  if (sha1.length !== 20) throw malformed(`${field} is not a SHA-1 value`);
  return { kind: 'key', sha1 };
}

function parseSingle(element: DerElement): { response: SingleResponse; unusable: string | undefined } {
  const field = 'single response';
  const cursor = element.expect(TAG.sequence, field).cursor();
  const certId = parseCertId(cursor.take(TAG.sequence, 'certID'));
  const { status, reason } = parseStatus(cursor.next());
  const thisUpdateMs = cursor.take(TAG.generalizedTime, 'thisUpdate').generalizedTime('thisUpdate');
  const nextUpdateMs = cursor.optional(contextConstructed(0))?.inner('nextUpdate').generalizedTime('nextUpdate');
  const wrapper = cursor.optional(contextConstructed(1));
  cursor.end(field);
  if (nextUpdateMs !== undefined && nextUpdateMs < thisUpdateMs) throw malformed('nextUpdate is before thisUpdate');
  const extensions = wrapper === undefined ? undefined : parseExtensions(wrapper.inner('singleExtensions'), 'singleExtensions');
  return {
    response: { certId, status, reason, thisUpdateMs, nextUpdateMs },
    unusable: extensions === undefined ? undefined : unknownCritical(extensions),
  };
}

export function parseCertId(element: DerElement): CertId | undefined {
  const field = 'certID';
  const cursor = element.expect(TAG.sequence, field).cursor();
  const algorithm = cursor.take(TAG.sequence, field).cursor();
  const oid = algorithm.take(TAG.oid, field).oid(field);
  if (!algorithm.isAtEnd) algorithm.take(TAG.null, `${field} hash parameters`);
  algorithm.end(field);
  const issuerNameHash = cursor.take(TAG.octetString, field).octets(field);
  const issuerKeyHash = cursor.take(TAG.octetString, field).octets(field);
  const serial = cursor.take(TAG.integer, field).integerBytes(field);
  cursor.end(field);
  const hash = HASH_NAMES.get(oid);
  if (hash === undefined) return undefined;
  if (issuerNameHash.length !== hash.length || issuerKeyHash.length !== hash.length) throw malformed(`${field} has hashes of a wrong length`);
  return { hash: hash.name, issuerNameHash, issuerKeyHash, serial };
}

function parseStatus(element: DerElement): Pick<SingleResponse, 'status' | 'reason'> {
  const field = 'certStatus';
  if (element.tag === context(0) || element.tag === context(2)) {
    if (element.length !== 0) throw malformed(`${field} has content`);
    return { status: element.tag === context(0) ? 'good' : 'unknown', reason: undefined };
  }
  const cursor = element.expect(contextConstructed(1), field).cursor();
  cursor.take(TAG.generalizedTime, field).generalizedTime('revocationTime');
  const reason = cursor.optional(contextConstructed(0));
  cursor.end(field);
  return { status: 'revoked', reason: reason === undefined ? undefined : reasonOf(reason.inner(field)) };
}

/** RFC 9654 §2.1: an OCTET STRING of 1 to 128 octets. */
function parseNonce(extension: Extension): Bytes {
  const nonce = extensionValue(extension, 'nonce').octets('nonce');
  if (nonce.length === 0 || nonce.length > MAX_NONCE_BYTES) throw malformed('the nonce is empty or too long');
  return nonce;
}

function unknownCritical(extensions: ReadonlyMap<string, Extension>): string | undefined {
  for (const { oid, isCritical } of extensions.values()) {
    if (isCritical && oid !== EXTENSION.ocspNonce) return `the OCSP answer has the unknown critical extension ${oid}`;
  }
  return undefined;
}
