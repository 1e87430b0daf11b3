import { Reader, Writer, type Bytes } from '../../base/bytes.ts';
import { MESSAGE } from '../codepoints.ts';
import { makeMessage, type Message } from './message.ts';

/** docs/PROTOCOL.md §6.6. */
export interface CertificateVerify {
  readonly scheme: number;
  readonly signature: Bytes;
}

export function encodeCertificateVerify(verify: CertificateVerify): Message {
  return makeMessage(MESSAGE.certificateVerify, new Writer().u16(verify.scheme).vector16(verify.signature).finish());
}

export function decodeCertificateVerify(body: Bytes): CertificateVerify {
  const reader = new Reader(body);
  const scheme = reader.u16('scheme');
  const signature = reader.vector16('signature', 1, 1024);
  reader.end('CertificateVerify');
  return { scheme, signature };
}
