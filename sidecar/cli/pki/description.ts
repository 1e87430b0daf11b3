import { toHex } from '../../../base/bytes.ts';
import { XpsError } from '../../../base/errors.ts';
import { type Certificate, parseCertificate } from '../../../certs/certificate.ts';
import { readPem } from '../../../certs/pem.ts';
import { pinOf } from '../../../certs/pins.ts';
import { nameText } from '../../../certs/rule-matching.ts';
import type { Crypto } from '../../../engines/contract.ts';
import { createCrypto } from '../../../engines/registry.ts';
import { readInput } from '../input-file.ts';

/** A certificate in words, for people and as JSON. */
export interface Description {
  readonly file: string;
  readonly subject: string;
  readonly issuer: string;
  readonly serial: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly key: string;
  readonly names: readonly string[];
  readonly pin: string;
  readonly sha256: string;
}

/** Every certificate of a PEM file. Throws `file_unreadable` when there is none. */
export async function describeFile(file: string): Promise<readonly Description[]> {
  const crypto = createCrypto({ engine: 'openssl', forbid: [] });
  const blocks = readPem((await readInput(file)).toString('utf8'), ['CERTIFICATE']);
  if (blocks.length === 0) throw new XpsError('file_unreadable', { detail: `${file} holds no certificate in PEM form` });
  return blocks.map(({ der }) => describe(parseCertificate(der), file, crypto));
}

function describe(certificate: Certificate, file: string, crypto: Crypto): Description {
  const { subject, issuer, serial, notBeforeMs, notAfterMs, publicKey, extensions, spki, der } = certificate;
  return {
    file,
    subject: subject.text,
    issuer: issuer.text,
    serial: toHex(serial),
    notBefore: new Date(notBeforeMs).toISOString(),
    notAfter: new Date(notAfterMs).toISOString(),
    key: publicKey.text,
    names: (extensions.subjectAltNames ?? []).map(nameText),
    pin: pinOf(crypto, spki),
    sha256: toHex(crypto.hash.hash('sha256', der)),
  };
}
