import type { Bytes } from '../base/bytes.ts';

/**
 * SHA-1 names a key or an issuer in OCSP (RFC 6960 §4.1.1, §4.2.1 KeyHash): an index, never a proof. Every answer
 * found through it is verified with the issuer's real key, so nothing rests on its strength and
 * `crypto.policy.forbid: [sha1]` (signatures) does not concern it.
 */
export function sha1Identifier(message: Bytes): Uint8Array<ArrayBuffer> {
  const padded = new Uint8Array(((message.length + 72) >> 6) << 6);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(message.length / 0x2000_0000));
  view.setUint32(padded.length - 4, (message.length << 3) >>> 0);

  const state = new Int32Array([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0]);
  const words = new Int32Array(80);
  for (let at = 0; at < padded.length; at += 64) compress(state, words, view, at);

  const digest = new Uint8Array(20);
  const out = new DataView(digest.buffer);
  for (const [i, word] of state.entries()) out.setInt32(i * 4, word);
  return digest;
}

function compress(state: Int32Array, words: Int32Array, view: DataView, at: number): void {
  for (let i = 0; i < 16; i += 1) words[i] = view.getInt32(at + i * 4);
  for (let i = 16; i < 80; i += 1) {
    words[i] = rotate(at32(words, i - 3) ^ at32(words, i - 8) ^ at32(words, i - 14) ^ at32(words, i - 16), 1);
  }
  let [a, b, c, d, e] = state as unknown as [number, number, number, number, number];
  for (let i = 0; i < 80; i += 1) {
    const mixed = i < 20 ? (b & c) | (~b & d) : i < 40 || i >= 60 ? b ^ c ^ d : (b & c) | (b & d) | (c & d);
    const next = (rotate(a, 5) + mixed + e + (ROUND[Math.floor(i / 20)] as number) + at32(words, i)) | 0;
    [e, d, c, b, a] = [d, c, rotate(b, 30), a, next];
  }
  for (const [i, word] of [a, b, c, d, e].entries()) state[i] = (at32(state, i) + word) | 0;
}

const ROUND: readonly number[] = [0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6];

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function at32(words: Int32Array, i: number): number {
  return words[i] as number;
}
