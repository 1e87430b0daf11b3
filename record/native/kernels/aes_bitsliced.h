// AES-256 without tables: eight blocks at a time as eight bit planes, every operation on all bytes at once. No branch and
// no address depends on a secret.
//
// Bit 16·b + i of a lane of plane p is bit p of byte i of block b; byte i stands in row i mod 4, column i / 4.
#pragma once

#include "common.h"
#include "kernel.h"

namespace xps {
namespace {

typedef uint64_t plane __attribute__((vector_size(16)));
constexpr size_t SLICED_BLOCKS = 8;
constexpr size_t SLICED_BYTES = SLICED_BLOCKS * 16;

struct planes {
  plane p[8];
};

XPS_INLINE plane spread(uint64_t x) { return plane{x, x}; }

// Exchanges the bits of `mask` in a with those `shift` higher in b.
XPS_INLINE void exchange(plane& a, plane& b, uint64_t mask, int shift) {
  const plane moved = ((b >> shift) ^ a) & spread(mask);
  a ^= moved;
  b ^= moved << shift;
}

// Both directions: bytes to planes and planes to bytes are the same two transpositions, in the opposite order.
XPS_INLINE void transpose_bits_in_words(planes& x) {
#pragma GCC unroll 8
  for (plane& word : x.p) {  // an 8×8 bit matrix in each 64-bit word
    plane moved = ((word >> 7) ^ word) & spread(0x00aa00aa00aa00aaull);
    word ^= moved ^ (moved << 7);
    moved = ((word >> 14) ^ word) & spread(0x0000cccc0000ccccull);
    word ^= moved ^ (moved << 14);
    moved = ((word >> 28) ^ word) & spread(0x00000000f0f0f0f0ull);
    word ^= moved ^ (moved << 28);
  }
}

XPS_INLINE void transpose_bytes_between_words(planes& x) {
  for (int i = 0; i < 8; i += 2) exchange(x.p[i + 1], x.p[i], 0x00ff00ff00ff00ffull, 8);
  for (int i = 0; i < 8; i += 4) {
    for (int j = i; j < i + 2; j++) exchange(x.p[j + 2], x.p[j], 0x0000ffff0000ffffull, 16);
  }
  for (int j = 0; j < 4; j++) exchange(x.p[j + 4], x.p[j], 0x00000000ffffffffull, 32);
}

XPS_INLINE planes slice(const uint8_t* bytes) {
  planes x;
  for (int i = 0; i < 8; i++) x.p[i] = plane{load64_le(bytes + 8 * i), load64_le(bytes + 64 + 8 * i)};
  transpose_bits_in_words(x);
  transpose_bytes_between_words(x);
  return x;
}

XPS_INLINE void unslice(uint8_t* bytes, planes x) {
  transpose_bytes_between_words(x);
  transpose_bits_in_words(x);
  for (int i = 0; i < 8; i++) {
    store64_le(bytes + 8 * i, x.p[i][0]);
    store64_le(bytes + 64 + 8 * i, x.p[i][1]);
  }
}

// The S-box as the circuit of J. Boyar and R. Peralta, "A depth-16 circuit for the AES S-box" (2011), with their names:
// x0 is the highest bit, y and t lead into and through the inversion, z and s out of it.
XPS_INLINE void substitute(planes& b) {
  const plane x0 = b.p[7], x1 = b.p[6], x2 = b.p[5], x3 = b.p[4], x4 = b.p[3], x5 = b.p[2], x6 = b.p[1], x7 = b.p[0];

  const plane y14 = x3 ^ x5, y13 = x0 ^ x6, y9 = x0 ^ x3, y8 = x0 ^ x5, t0 = x1 ^ x2;
  const plane y1 = t0 ^ x7, y4 = y1 ^ x3, y12 = y13 ^ y14, y2 = y1 ^ x0, y5 = y1 ^ x6;
  const plane y3 = y5 ^ y8, t1 = x4 ^ y12, y15 = t1 ^ x5, y20 = t1 ^ x1, y6 = y15 ^ x7;
  const plane y10 = y15 ^ t0, y11 = y20 ^ y9, y7 = x7 ^ y11, y17 = y10 ^ y11, y19 = y10 ^ y8;
  const plane y16 = t0 ^ y11, y21 = y13 ^ y16, y18 = x0 ^ y16;

  const plane t2 = y12 & y15, t3 = y3 & y6, t4 = t3 ^ t2, t5 = y4 & x7, t6 = t5 ^ t2;
  const plane t7 = y13 & y16, t8 = y5 & y1, t9 = t8 ^ t7, t10 = y2 & y7, t11 = t10 ^ t7;
  const plane t12 = y9 & y11, t13 = y14 & y17, t14 = t13 ^ t12, t15 = y8 & y10, t16 = t15 ^ t12;
  const plane t17 = t4 ^ t14, t18 = t6 ^ t16, t19 = t9 ^ t14, t20 = t11 ^ t16;
  const plane t21 = t17 ^ y20, t22 = t18 ^ y19, t23 = t19 ^ y21, t24 = t20 ^ y18;
  const plane t25 = t21 ^ t22, t26 = t21 & t23, t27 = t24 ^ t26, t28 = t25 & t27, t29 = t28 ^ t22;
  const plane t30 = t23 ^ t24, t31 = t22 ^ t26, t32 = t31 & t30, t33 = t32 ^ t24, t34 = t23 ^ t33;
  const plane t35 = t27 ^ t33, t36 = t24 & t35, t37 = t36 ^ t34, t38 = t27 ^ t36, t39 = t29 & t38;
  const plane t40 = t25 ^ t39, t41 = t40 ^ t37, t42 = t29 ^ t33, t43 = t29 ^ t40, t44 = t33 ^ t37, t45 = t42 ^ t41;

  const plane z0 = t44 & y15, z1 = t37 & y6, z2 = t33 & x7, z3 = t43 & y16, z4 = t40 & y1, z5 = t29 & y7;
  const plane z6 = t42 & y11, z7 = t45 & y17, z8 = t41 & y10, z9 = t44 & y12, z10 = t37 & y3, z11 = t33 & y4;
  const plane z12 = t43 & y13, z13 = t40 & y5, z14 = t29 & y2, z15 = t42 & y9, z16 = t45 & y14, z17 = t41 & y8;

  const plane t46 = z15 ^ z16, t47 = z10 ^ z11, t48 = z5 ^ z13, t49 = z9 ^ z10, t50 = z2 ^ z12, t51 = z2 ^ z5;
  const plane t52 = z7 ^ z8, t53 = z0 ^ z3, t54 = z6 ^ z7, t55 = z16 ^ z17, t56 = z12 ^ t48, t57 = t50 ^ t53;
  const plane t58 = z4 ^ t46, t59 = z3 ^ t54, t60 = t46 ^ t57, t61 = z14 ^ t57, t62 = t52 ^ t58, t63 = t49 ^ t58;
  const plane t64 = z4 ^ t59, t65 = t61 ^ t62, t66 = z1 ^ t63, t67 = t64 ^ t65;
  const plane s3 = t53 ^ t66;
  b.p[7] = t59 ^ t63;
  b.p[6] = t64 ^ ~s3;
  b.p[5] = t55 ^ ~t67;
  b.p[4] = s3;
  b.p[3] = t51 ^ t66;
  b.p[2] = t47 ^ t65;
  b.p[1] = t56 ^ ~t62;
  b.p[0] = t48 ^ ~t60;
}

// FIPS 197 §5.1.2: row r moves r columns to the left, which is 4·r bits down in each block's 16 bits.
XPS_INLINE void shift_rows(planes& x) {
#pragma GCC unroll 8
  for (plane& b : x.p) {
    b = (b & spread(0x1111111111111111ull)) |
        ((b >> 4) & spread(0x0222022202220222ull)) | ((b << 12) & spread(0x2000200020002000ull)) |
        ((b >> 8) & spread(0x0044004400440044ull)) | ((b << 8) & spread(0x4400440044004400ull)) |
        ((b >> 12) & spread(0x0008000800080008ull)) | ((b << 4) & spread(0x8880888088808880ull));
  }
}

// The byte below in the same column.
XPS_INLINE plane next_row(plane b) {
  return ((b >> 1) & spread(0x7777777777777777ull)) | ((b << 3) & spread(0x8888888888888888ull));
}

XPS_INLINE plane row_after_next(plane b) {
  return ((b >> 2) & spread(0x3333333333333333ull)) | ((b << 2) & spread(0xccccccccccccccccull));
}

// FIPS 197 §5.1.3: 2·a + 3·b + c + d = 2·(a + b) + b + (c + d), the doubling modulo x^8 + x^4 + x^3 + x + 1.
XPS_INLINE void mix_columns(planes& x) {
  plane below[8], pair[8];
  for (int i = 0; i < 8; i++) {
    below[i] = next_row(x.p[i]);
    pair[i] = x.p[i] ^ below[i];
  }
  for (int i = 0; i < 8; i++) {
    plane doubled = i > 0 ? pair[i - 1] : pair[7];
    if (i == 1 || i == 3 || i == 4) doubled ^= pair[7];
    x.p[i] = doubled ^ below[i] ^ row_after_next(pair[i]);
  }
}

struct sliced_round_keys {
  planes round[15];
};

XPS_INLINE void slice_round_keys(sliced_round_keys& sliced, const uint8_t round_keys[15][16]) {
  for (int r = 0; r < 15; r++) {
    alignas(16) uint8_t repeated[SLICED_BYTES];
    for (size_t b = 0; b < SLICED_BLOCKS; b++) memcpy(repeated + 16 * b, round_keys[r], 16);
    sliced.round[r] = slice(repeated);
    wipe(repeated, sizeof repeated);
  }
}

// Eight blocks in place.
inline void encrypt_sliced(const sliced_round_keys& keys, uint8_t* blocks) {
  planes x = slice(blocks);
  for (int i = 0; i < 8; i++) x.p[i] ^= keys.round[0].p[i];
  for (int r = 1; r < 15; r++) {
    substitute(x);
    shift_rows(x);
    if (r < 14) mix_columns(x);
    for (int i = 0; i < 8; i++) x.p[i] ^= keys.round[r].p[i];
  }
  unslice(blocks, x);
}

}  // namespace
}  // namespace xps
