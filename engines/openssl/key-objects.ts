import { createPublicKey, type KeyObject } from 'node:crypto';
import type { Bytes } from '../../base/bytes.ts';

/**
 * Imports a DER SubjectPublicKeyInfo as PEM text on one line. It looks like a detour and is the fast way: for every
 * other form (DER, JWK, raw) Node 24 captures a stack trace on the way, which costs 10 to 20 µs a key, more than the
 * import itself (X25519: 8 µs instead of 22; bench/engines.ts). Throws what OpenSSL throws.
 */
export function importPublicKey(spki: Bytes): KeyObject {
  return createPublicKey(`-----BEGIN PUBLIC KEY-----\n${base64(spki)}\n-----END PUBLIC KEY-----\n`);
}

/** A plain Uint8Array over the same memory: Buffer's `slice` and printing differ from what callers expect. */
export function plain(buffer: Buffer<ArrayBufferLike>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer.buffer as ArrayBuffer, buffer.byteOffset, buffer.length);
}

function base64(bytes: Bytes): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
}
