import type { Bytes } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';
import { context, contextConstructed, type DerElement, malformed, parseWholeDer, TAG } from './der.ts';
import { parseExtensions } from './extension-list.ts';
import { type CertificateExtensions, NO_EXTENSIONS, parseCertificateExtensions } from './extensions.ts';
import { type Name, parseName } from './names.ts';
import { parsePublicKey, type PublicKeyForm } from './public-key.ts';
import { expectSameAlgorithm, parseSigned, type Signed } from './signed.ts';

/** A parsed certificate. Everything in it was checked against the encoding rules; nothing was verified yet. */
export interface Certificate extends Signed {
  readonly der: Bytes;
  readonly version: 1 | 2 | 3;
  /** The content of the INTEGER: not negative, at most 20 octets. */
  readonly serial: Bytes;
  readonly issuer: Name;
  readonly subject: Name;
  readonly notBeforeMs: number;
  /** The last second in which the certificate is valid, as it was written: that second counts to its end. */
  readonly notAfterMs: number;
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Bytes;
  /** The content of subjectPublicKey, which key identifiers and OCSP hash. */
  readonly keyBits: Bytes;
  readonly publicKey: PublicKeyForm;
  readonly issuerUniqueId: Bytes | undefined;
  readonly subjectUniqueId: Bytes | undefined;
  readonly extensions: CertificateExtensions;
  /** Issuer and subject are the same name, whoever signed (RFC 5280 §3.2). */
  readonly isSelfIssued: boolean;
}

const MAX_CERTIFICATE_BYTES = 256 * 1024;
const MAX_SERIAL_BYTES = 20;

/** Strict DER and every rule of RFC 5280 §4 that one certificate alone can break. Throws `certificate_malformed`. */
export function parseCertificate(der: Bytes): Certificate {
  if (der.length > MAX_CERTIFICATE_BYTES) {
    throw new XpsError('certificate_limit', { detail: `a certificate of ${der.length} bytes, at most ${MAX_CERTIFICATE_BYTES} are read` });
  }
  const { content, algorithm, ...signed } = parseSigned(parseWholeDer(der, 'certificate'), 'certificate');
  const cursor = content.cursor();
  const version = parseVersion(cursor.optional(contextConstructed(0)));
  const serial = parseSerial(cursor.take(TAG.integer, 'serialNumber'));
  expectSameAlgorithm(algorithm, cursor.take(TAG.sequence, 'signature'), 'certificate');
  const issuer = parseName(cursor.take(TAG.sequence, 'issuer'), 'issuer');
  if (issuer.rdnKeys.length === 0) throw malformed('the issuer has no name');
  const validity = cursor.take(TAG.sequence, 'validity').cursor();
  const notBeforeMs = validity.next().time('notBefore');
  const notAfterMs = validity.next().time('notAfter');
  validity.end('validity');
  const subject = parseName(cursor.take(TAG.sequence, 'subject'), 'subject');
  const spki = cursor.take(TAG.sequence, 'subjectPublicKeyInfo');
  const publicKey = parsePublicKey(spki);
  const issuerUniqueId = uniqueId(cursor.optional(context(1)), version);
  const subjectUniqueId = uniqueId(cursor.optional(context(2)), version);
  const extensionList = cursor.optional(contextConstructed(3));
  cursor.end('certificate');
  if (extensionList !== undefined && version !== 3) throw malformed(`a certificate of version ${version} has extensions`);
  const extensions =
    extensionList === undefined
      ? NO_EXTENSIONS
      : parseCertificateExtensions(parseExtensions(extensionList.inner('extensions'), 'extensions'));
  const certificate: Certificate = {
    ...signed,
    der,
    version,
    serial,
    issuer,
    subject,
    notBeforeMs,
    notAfterMs,
    spki: spki.raw,
    keyBits: keyBits(spki),
    publicKey,
    issuerUniqueId,
    subjectUniqueId,
    extensions,
    isSelfIssued: issuer.key === subject.key,
  };
  const isZero = serial.length === 1 && serial[0] === 0;
  if (isZero && !certificate.isSelfIssued) throw malformed('serialNumber is zero');
  checkSubject(certificate);
  return certificate;
}

export function isCa(certificate: Certificate): boolean {
  return certificate.extensions.basicConstraints?.isCa === true;
}

/** RFC 5280 §4.1.2.1: DER leaves out the default, version 1. */
function parseVersion(element: DerElement | undefined): 1 | 2 | 3 {
  if (element === undefined) return 1;
  const version = element.inner('version').smallInteger('version');
  if (version !== 1 && version !== 2) throw malformed('version is neither 2 nor 3');
  return version === 1 ? 2 : 3;
}

/** RFC 5280 §4.1.2.2. Zero is refused, too, but for self-issued certificates: several old roots have it. */
function parseSerial(element: DerElement): Bytes {
  const serial = element.integerBytes('serialNumber');
  const first = serial[0] as number;
  if (first >= 0x80) throw malformed('serialNumber is negative');
  if (serial.length > MAX_SERIAL_BYTES) throw malformed(`serialNumber has more than ${MAX_SERIAL_BYTES} octets`);
  return serial;
}

function uniqueId(element: DerElement | undefined, version: 1 | 2 | 3): Bytes | undefined {
  if (element === undefined) return undefined;
  if (version === 1) throw malformed('a certificate of version 1 has unique identifiers');
  return element.as(TAG.bitString).bits('uniqueID');
}

function keyBits(spki: DerElement): Bytes {
  const cursor = spki.cursor();
  cursor.next();
  return cursor.next().wholeBits('subjectPublicKey');
}

/** RFC 5280 §4.1.2.6, §4.2.1.6: who has no subject has a critical subjectAltName, and a CA has a subject. */
function checkSubject({ subject, extensions }: Certificate): void {
  if (subject.rdnKeys.length > 0) return;
  if (extensions.basicConstraints?.isCa === true) throw malformed('a CA has no subject');
  if (extensions.subjectAltNames === undefined) throw malformed('a certificate has neither subject nor subjectAltName');
  if (!extensions.isSubjectAltNameCritical) throw malformed('subjectAltName must be critical when the subject is empty');
}
