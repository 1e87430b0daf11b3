// The first use of the library must find reflection metadata in place.
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { type Bytes, toHex } from '../../base/bytes.ts';
import type { IssuingKey } from '../../engines/key-generation.ts';
import { EXTENSION } from '../oids.ts';
import { integer } from './der-writer.ts';
import { type IssuedRecord, REVOCATION_REASONS } from './issued-index.ts';
import { authorityKeyExtension, enumerated, extension, freshestCrlExtension, signingAlgorithm, subjectKeyExtension } from './profiles.ts';

/** Whose name and key go under a certificate or a CRL. */
export interface Signer {
  readonly key: IssuingKey;
  readonly subject: x509.Name;
  readonly keyId: string;
}

export interface CertificateContent {
  readonly serial: Bytes;
  readonly subject: x509.Name;
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Bytes;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly extensions: readonly x509.Extension[];
}

export function commonName(name: string): x509.Name {
  return new x509.Name([{ CN: [{ utf8String: name }] }]);
}

/** Adds the key identifiers; a self-signed certificate has no authority key to name. */
export async function signCertificate(content: CertificateContent, signer: Signer | { readonly key: IssuingKey }): Promise<x509.X509Certificate> {
  const identifiers = [subjectKeyExtension(content.spki)];
  if ('keyId' in signer) identifiers.push(authorityKeyExtension(signer.keyId));
  return x509.X509CertificateGenerator.create({
    serialNumber: toHex(content.serial),
    subject: content.subject,
    issuer: 'subject' in signer ? signer.subject : content.subject,
    notBefore: new Date(content.notBeforeMs),
    notAfter: new Date(content.notAfterMs),
    // Taken as it is: a bare CryptoKey would be exported again.
    publicKey: new x509.PublicKey(Uint8Array.from(content.spki)),
    signingKey: signer.key.toCryptoKey(),
    signingAlgorithm: signingAlgorithm(signer.key),
    extensions: [...content.extensions, ...identifiers],
  });
}

export interface CrlContent {
  readonly number: number;
  /** Given for a delta CRL: the number of the complete CRL that it completes. */
  readonly baseNumber: number | undefined;
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number;
  /** Where deltas to this complete CRL will be; undefined: nowhere, or this is one. */
  readonly deltaUrl: string | undefined;
  readonly revoked: readonly IssuedRecord[];
}

/** RFC 5280 §5. */
export async function signCrl(content: CrlContent, signer: Signer): Promise<x509.X509Crl> {
  const extensions = [authorityKeyExtension(signer.keyId), extension(EXTENSION.crlNumber, false, integer(content.number))];
  if (content.baseNumber !== undefined) {
    extensions.push(extension(EXTENSION.deltaCrlIndicator, true, integer(content.baseNumber)));
  }
  if (content.deltaUrl !== undefined) extensions.push(freshestCrlExtension(content.deltaUrl));
  return x509.X509CrlGenerator.create({
    issuer: signer.subject,
    thisUpdate: new Date(content.thisUpdateMs),
    nextUpdate: new Date(content.nextUpdateMs),
    signingKey: signer.key.toCryptoKey(),
    signingAlgorithm: signingAlgorithm(signer.key),
    extensions,
    entries: content.revoked.map(crlEntry),
  });
}

/**
 * The library writes an empty list of entry extensions when there is none, which strict readers refuse, and
 * `unspecified` should not be written as a reason (RFC 5280 §5.3.1): such an entry says when the certificate
 * became invalid instead.
 */
function crlEntry({ serial, revoked }: IssuedRecord): x509.X509CrlEntryParams {
  const date = new Date(revoked?.at ?? 0);
  const reason = revoked?.reason ?? 'unspecified';
  const entry = { serialNumber: serial, revocationDate: date };
  if (reason === 'unspecified') return { ...entry, invalidity: date };
  return { ...entry, extensions: [extension(EXTENSION.reasonCode, false, enumerated(REVOCATION_REASONS[reason]))] };
}
