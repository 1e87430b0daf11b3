// The connections of docs/vectors: what they are made from. Nothing here is random.
import { createHash } from 'node:crypto';
import { utf8, type Bytes } from '../../../base/bytes.ts';
import { suiteOf, type Suite } from '../../../handshake/codepoints.ts';
import type { ClientAuth } from '../../../handshake/messages/server-parameters.ts';

export interface Scenario {
  readonly name: string;
  readonly description: string;
  readonly clientSuites: readonly Suite[];
  readonly serverSuites: readonly Suite[];
  readonly clientAuth: ClientAuth;
  readonly isClientAnonymous: boolean;
  readonly meshKey: Bytes | undefined;
  readonly service: string;
  readonly isCookieDemanded: boolean;
  /** S wishes for a rekey while the stream is open. */
  readonly isRekeyed: boolean;
  /** S gives a ticket, and a second connection uses it. */
  readonly isResumed: boolean;
}

const AES = suiteOf('X25519', 'AES_GCM');
const CHACHA = suiteOf('X25519', 'CHACHA20_POLY1305');
const XCHACHA = suiteOf('X25519', 'XCHACHA20_POLY1305');
const HYBRID = suiteOf('XWING', 'AES_GCM');

const PLAIN: Omit<Scenario, 'name' | 'description'> = {
  clientSuites: [AES], serverSuites: [AES], clientAuth: 'required', isClientAnonymous: false,
  meshKey: undefined, service: '', isCookieDemanded: false, isRekeyed: false, isResumed: false,
};

export const SCENARIOS: readonly Scenario[] = [
  { ...PLAIN, name: 'full-x25519-aes-256-gcm', description: 'mutual authentication, X25519, AES-256-GCM' },
  { ...PLAIN, name: 'full-x25519-chacha20-poly1305', description: 'the same with ChaCha20-Poly1305', clientSuites: [CHACHA, AES], serverSuites: [CHACHA] },
  { ...PLAIN, name: 'full-x25519-xchacha20-poly1305', description: 'the same with XChaCha20-Poly1305, preferred by the server', clientSuites: [AES, XCHACHA], serverSuites: [XCHACHA, AES] },
  { ...PLAIN, name: 'hybrid', description: 'X-Wing', clientSuites: [HYBRID, AES], serverSuites: [HYBRID, AES] },
  { ...PLAIN, name: 'hybrid-share-classical-suite', description: 'an X-Wing share of which the server answers the X25519 part', clientSuites: [HYBRID, AES] },
  { ...PLAIN, name: 'retry', description: 'a cookie is demanded', isCookieDemanded: true },
  { ...PLAIN, name: 'anonymous', description: 'a client without a certificate', clientAuth: 'optional', isClientAnonymous: true },
  { ...PLAIN, name: 'resumption', description: 'a ticket, and the connection that uses it', isResumed: true },
  { ...PLAIN, name: 'rekey', description: 'a rekey that the server wishes for', isRekeyed: true },
  { ...PLAIN, name: 'mesh-key', description: 'a mesh key and the name of a service', meshKey: utf8('a mesh key of more than 32 bytes, for tests'), service: 'orders' },
];

/** `length` bytes that follow from a text. */
export function fixedBytes(text: string, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let at = 0, block = 0; at < length; at += 32, block += 1) {
    bytes.set(createHash('sha256').update(`${text} ${block}`).digest().subarray(0, length - at), at);
  }
  return bytes;
}
