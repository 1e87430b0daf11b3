import { Reader, Writer, type Bytes } from '../../base/bytes.ts';
import { XpsError } from '../../base/errors.ts';
import { MESSAGE } from '../codepoints.ts';
import { readExtensions } from './extensions.ts';
import { makeMessage, type Message } from './message.ts';

const MAX_CHAIN_BYTES = 32_768;
const MAX_CHAIN_LENGTH = 6;
const MAX_STAPLE_BYTES = 8192;

/** What one side presents: docs/PROTOCOL.md §6.5. An empty chain means anonymous. */
export interface PresentedCredential {
  /** DER certificates, leaf first. */
  readonly chain: readonly Bytes[];
  /** DER OCSP response for the leaf, or empty. */
  readonly staple: Bytes;
}

export const ANONYMOUS: PresentedCredential = { chain: [], staple: new Uint8Array(0) };

export function encodeCredential(credential: PresentedCredential): Bytes {
  const chain = new Writer();
  for (const certificate of credential.chain) chain.vector24(certificate);
  return new Writer().vector24(chain.finish()).vector16(credential.staple).vector16(new Uint8Array(0)).finish();
}

/** Reads a CERT structure and leaves the reader behind it. */
export function readCredential(reader: Reader): PresentedCredential {
  const list = new Reader(reader.vector24('chain', 0, MAX_CHAIN_BYTES));
  const chain: Bytes[] = [];
  while (list.remaining > 0) {
    if (chain.length === MAX_CHAIN_LENGTH) {
      throw new XpsError('malformed', { detail: `more than ${MAX_CHAIN_LENGTH} certificates` });
    }
    // Copies: a credential outlives the buffer that it came in.
    chain.push(Uint8Array.from(list.vector24('certificate', 1, MAX_CHAIN_BYTES)));
  }
  const staple = Uint8Array.from(reader.vector16('staple', 0, MAX_STAPLE_BYTES));
  readExtensions(reader.vector16('extensions', 0, 1024));
  if (chain.length === 0 && staple.length > 0) {
    throw new XpsError('malformed', { detail: 'a staple without a certificate' });
  }
  return { chain, staple };
}

export function encodeCertificate(credential: PresentedCredential): Message {
  return makeMessage(MESSAGE.certificate, encodeCredential(credential));
}

export function decodeCertificate(body: Bytes): PresentedCredential {
  const reader = new Reader(body);
  const credential = readCredential(reader);
  reader.end('Certificate');
  return credential;
}
