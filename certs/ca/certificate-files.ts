// The first use of the library must find reflection metadata in place.
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { toHex } from '../../base/bytes.ts';
import { XpsError } from '../../base/errors.ts';
import { keyIdentifier } from '../../engines/key-generation.ts';
import { readPem, writePem } from '../pem.ts';
import { publicKeyBits } from './profiles.ts';

/** The first certificate of a PEM file. */
export function readCertificate(pem: string, file: string): x509.X509Certificate {
  try {
    const [first] = readPem(pem, ['CERTIFICATE']);
    if (first !== undefined) return new x509.X509Certificate(Uint8Array.from(first.der));
  } catch {
    // Reported below, like a file without any.
  }
  throw new XpsError('ca_folder_unusable', { detail: `${file} holds no certificate in PEM form` });
}

/** What the CRLs and certificates of this CA name as their authority key: its own subject key identifier. */
export function subjectKeyId(certificate: x509.X509Certificate): string {
  const written = certificate.getExtension(x509.SubjectKeyIdentifierExtension);
  return written?.keyId ?? toHex(keyIdentifier(publicKeyBits(new Uint8Array(certificate.publicKey.rawData))));
}

export function certificatePem(certificate: x509.X509Certificate): string {
  return writePem('CERTIFICATE', new Uint8Array(certificate.rawData));
}

/** RFC 7468 §6; the library's own label, `CRL`, is one that OpenSSL does not read. */
export function crlPem(crl: x509.X509Crl): string {
  return writePem('X509 CRL', new Uint8Array(crl.rawData));
}
