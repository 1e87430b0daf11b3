// The first use of the library must find reflection metadata in place.
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import type { Bytes } from '../../base/bytes.ts';
import { XpsError } from '../../base/errors.ts';
import { NO_NAMES, refuse, type SubjectNames } from './subject-names.ts';

export interface SigningRequest {
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Bytes;
  /** What the request asks for; the CA decides. */
  readonly names: SubjectNames;
}

/** Reads a PKCS #10 request (RFC 2986) and checks that whoever made it holds the key. Throws `ca_request_invalid`. */
export async function readSigningRequest(pem: string, file: string): Promise<SigningRequest> {
  let request: x509.Pkcs10CertificateRequest;
  let isProven: boolean;
  try {
    request = new x509.Pkcs10CertificateRequest(pem);
    isProven = await request.verify();
  } catch (cause) {
    throw new XpsError('ca_request_invalid', { detail: `${file} is no certificate request in PEM form, or for a kind of key that is not known`, cause });
  }
  if (!isProven) refuse(`${file}: the request is not signed with the key that it is for`);
  return { spki: new Uint8Array(request.publicKey.rawData), names: requestedNames(request) };
}

function requestedNames(request: x509.Pkcs10CertificateRequest): SubjectNames {
  const found = request.extensions.find((extension) => extension instanceof x509.SubjectAlternativeNameExtension);
  const of = (type: string): string[] => found?.names.items.filter((item) => item.type === type).map((item) => item.value) ?? [];
  return found === undefined ? NO_NAMES : { dns: of('dns'), uris: of('url'), ips: of('ip'), emails: of('email') };
}
