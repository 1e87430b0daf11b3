// The first use of the library must find reflection metadata in place.
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { toHex } from '../../base/bytes.ts';
import { XpsError } from '../../base/errors.ts';
import { keyIdentifier } from '../../engines/key-generation.ts';
import { publicKeyBits } from './profiles.ts';

/** The first certificate of a PEM file. */
export function readCertificate(pem: string, file: string): x509.X509Certificate {
  try {
    const [first] = x509.PemConverter.decode(pem);
    if (first !== undefined) return new x509.X509Certificate(first);
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
  return `${x509.PemConverter.encode(certificate.rawData, 'CERTIFICATE')}\n`;
}

/** RFC 7468 §7; the library's own label, `CRL`, is one that OpenSSL does not read. */
export function crlPem(crl: x509.X509Crl): string {
  return `${x509.PemConverter.encode(crl.rawData, 'X509 CRL')}\n`;
}
