import type { Bytes } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';

/** The one private key of a PEM text. */
export interface PrivateKeyFile {
  readonly form: 'pkcs8' | 'sec1' | 'pkcs1';
  /** A fresh copy: the caller wipes it. The text it came from is a string, which nobody can wipe. */
  readonly der: Bytes;
}

const FORMS: Readonly<Record<string, PrivateKeyFile['form']>> = {
  'PRIVATE KEY': 'pkcs8',
  'EC PRIVATE KEY': 'sec1',
  'RSA PRIVATE KEY': 'pkcs1',
};

const BLOCK = /-----BEGIN ([A-Z0-9 ]{1,64})-----([^-]*)-----END \1-----/g;

/** Blocks of other kinds (`EC PARAMETERS`, certificates) may stand beside it. Throws `key_invalid`. */
export function readPrivateKeyFile(pem: string): PrivateKeyFile {
  if (pem.includes('-----BEGIN ENCRYPTED PRIVATE KEY-----') || pem.includes('Proc-Type: 4,ENCRYPTED')) {
    throw invalid('the private key is encrypted with a passphrase; store it decrypted, readable by this process only');
  }
  const found = [...pem.matchAll(BLOCK)].flatMap(([, label, body]) => {
    const form = FORMS[label as string];
    return form === undefined ? [] : [{ form, der: fromBase64(body as string) }];
  });
  const [only, second] = found;
  if (only === undefined) {
    throw invalid('no PEM block of type PRIVATE KEY, EC PRIVATE KEY or RSA PRIVATE KEY');
  }
  if (second !== undefined) throw invalid('more than one private key');
  return only;
}

function fromBase64(body: string): Bytes {
  const text = body.replaceAll(/\s/g, '');
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) throw invalid('the PEM block is not base64');
  return Uint8Array.from(Buffer.from(text, 'base64'));
}

function invalid(detail: string): XpsError {
  return new XpsError('key_invalid', { detail });
}
