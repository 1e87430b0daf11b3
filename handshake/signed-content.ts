import { concat, utf8, type Bytes } from '../base/bytes.ts';

export type SignaturePurpose = 'server' | 'client' | 'rekey-server' | 'rekey-client';

const SPACES = new Uint8Array(64).fill(0x20);
const ZERO = new Uint8Array(1);

/** docs/PROTOCOL.md §6.6. */
export function signedContent(purpose: SignaturePurpose, transcript: Bytes): Bytes {
  return concat([SPACES, utf8(`XPScerpto channel v1, ${purpose}`), ZERO, transcript]);
}
