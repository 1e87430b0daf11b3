import type { Bytes } from '../../base/bytes.ts';
import { checkDer, contextConstructed, type DerElement, malformed, parseDer, TAG } from '../der.ts';
import { EXTENSION } from '../oids.ts';

/** Which certificate is asked for, in the words of whoever asks (RFC 6960 §4.1.1). */
export interface AskedCertificate {
  /** The CertID as it came: the answer repeats it. */
  readonly certId: Bytes;
  readonly hashAlgorithm: string;
  readonly issuerNameHash: Bytes;
  readonly issuerKeyHash: Bytes;
  readonly serial: Bytes;
}

export interface OcspRequest {
  readonly asked: readonly AskedCertificate[];
  /** The extension's value as it came, to be repeated; undefined: none. */
  readonly nonce: Bytes | undefined;
}

/** One request is answered with one signature; more certificates would only make it long. */
const MAX_ASKED = 32;
/** RFC 9654 §2.1. */
const MAX_NONCE_OCTETS = 128;

/** Strict DER; throws `certificate_malformed`. A signature on the request is neither needed nor looked at. */
export function parseOcspRequest(der: Bytes): OcspRequest {
  const root = parseDer(der, 'OCSP request').expect(TAG.sequence, 'OCSP request');
  checkDer(root);
  const cursor = root.cursor();
  const tbs = cursor.take(TAG.sequence, 'tbsRequest').cursor();
  cursor.optional(contextConstructed(0));
  cursor.end('OCSP request');

  if (tbs.optional(contextConstructed(0)) !== undefined) throw malformed('the version of an OCSP request is v1 and not written');
  tbs.optional(contextConstructed(1));
  const asked = tbs.take(TAG.sequence, 'requestList').children().map(askedCertificate);
  if (asked.length === 0 || asked.length > MAX_ASKED) throw malformed(`an OCSP request asks for 1 to ${MAX_ASKED} certificates`);
  const extensions = tbs.optional(contextConstructed(2));
  tbs.end('tbsRequest');
  return { asked, nonce: extensions === undefined ? undefined : nonceOf(extensions) };
}

function askedCertificate(request: DerElement): AskedCertificate {
  const certId = request.expect(TAG.sequence, 'Request').cursor().take(TAG.sequence, 'reqCert');
  const cursor = certId.cursor();
  const algorithm = cursor.take(TAG.sequence, 'hashAlgorithm').cursor().take(TAG.oid, 'hashAlgorithm');
  const issuerNameHash = cursor.take(TAG.octetString, 'issuerNameHash').content;
  const issuerKeyHash = cursor.take(TAG.octetString, 'issuerKeyHash').content;
  const serial = cursor.take(TAG.integer, 'serialNumber').integerBytes('serialNumber');
  cursor.end('CertID');
  return { certId: certId.raw, hashAlgorithm: algorithm.oid('hashAlgorithm'), issuerNameHash, issuerKeyHash, serial };
}

function nonceOf(extensions: DerElement): Bytes | undefined {
  const outer = extensions.cursor();
  const list = outer.take(TAG.sequence, 'requestExtensions').children();
  outer.end('requestExtensions');
  for (const extension of list) {
    const cursor = extension.expect(TAG.sequence, 'Extension').cursor();
    const type = cursor.take(TAG.oid, 'extnID').oid('extnID');
    const isCritical = cursor.optional(TAG.boolean)?.boolean('critical') ?? false;
    const value = cursor.take(TAG.octetString, 'extnValue').content;
    cursor.end('Extension');
    if (type === EXTENSION.ocspNonce) {
      const { length } = parseDer(value, 'nonce').octets('nonce');
      if (length === 0 || length > MAX_NONCE_OCTETS) throw malformed(`a nonce has 1 to ${MAX_NONCE_OCTETS} octets`);
      return value;
    }
    if (isCritical) throw malformed('a critical extension of the OCSP request is not known');
  }
  return undefined;
}
