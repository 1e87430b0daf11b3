import { type Bytes, concat } from '../base/bytes.ts';
import type { Certificate } from './certificate.ts';
import { TAG } from './der.ts';
import { sha1Identifier } from './sha1.ts';

/** AlgorithmIdentifier of SHA-1 with NULL: the one certID hash that every responder knows (RFC 5019 §2.1.1). */
const SHA1_IDENTIFIER = Uint8Array.of(0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00);
const NONCE_OID = Uint8Array.of(0x06, 0x09, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x02);

/** RFC 6960 §4.1.1: a request for one certificate, not signed. `nonce`: 1 to 32 bytes (RFC 9654). */
export function encodeOcspRequest(certificate: Certificate, issuer: Certificate, nonce: Bytes | undefined): Bytes {
  const certId = sequence(
    SHA1_IDENTIFIER,
    element(TAG.octetString, sha1Identifier(issuer.subject.der)),
    element(TAG.octetString, sha1Identifier(issuer.keyBits)),
    element(TAG.integer, certificate.serial),
  );
  const requestList = sequence(sequence(certId));
  if (nonce === undefined) return sequence(sequence(requestList));
  const extension = sequence(NONCE_OID, element(TAG.octetString, element(TAG.octetString, nonce)));
  return sequence(sequence(requestList, element(0xa2, sequence(extension))));
}

function sequence(...parts: readonly Bytes[]): Bytes {
  return element(TAG.sequence, concat(parts));
}

function element(tag: number, content: Bytes): Bytes {
  const { length } = content;
  if (length < 0x80) return concat([Uint8Array.of(tag, length), content]);
  if (length < 0x100) return concat([Uint8Array.of(tag, 0x81, length), content]);
  return concat([Uint8Array.of(tag, 0x82, length >> 8, length & 0xff), content]);
}
