// The vectors of AES-GCM on x86-64, as far as the including source's instruction set goes.
#pragma once

#include <immintrin.h>

#include "aes_gcm.h"

namespace xps {
namespace {

struct x86_128 {
  using reg = __m128i;
  static constexpr size_t blocks = 1;
  static constexpr bool three_products = false;

  XPS_INLINE static reg zero() { return _mm_setzero_si128(); }
  XPS_INLINE static reg load(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }
  XPS_INLINE static void store(void* p, reg x) { _mm_storeu_si128(static_cast<__m128i*>(p), x); }
  XPS_INLINE static reg broadcast(__m128i x) { return x; }
  XPS_INLINE static reg broadcast_load(const void* p) { return load(p); }
  XPS_INLINE static reg broadcast64(uint64_t x) { return _mm_set1_epi64x(static_cast<long long>(x)); }
  XPS_INLINE static reg widen(__m128i x) { return x; }
  XPS_INLINE static __m128i fold(reg x) { return x; }
  XPS_INLINE static reg exclusive_or(reg a, reg b) { return _mm_xor_si128(a, b); }
  XPS_INLINE static reg exclusive_or(reg a, reg b, reg c) { return _mm_xor_si128(a, _mm_xor_si128(b, c)); }
  XPS_INLINE static reg add32(reg a, reg b) { return _mm_add_epi32(a, b); }
  XPS_INLINE static reg low_half(reg, reg b) { return b; }  // there are no halves
  XPS_INLINE static reg lane_numbers(int first) { return _mm_set_epi32(0, 0, 0, first); }
  XPS_INLINE static reg add_blocks(int n) { return _mm_set_epi32(0, 0, 0, n); }
  XPS_INLINE static reg byte_reverse(reg x) {
    return _mm_shuffle_epi8(x, _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
  }
  XPS_INLINE static reg swap_halves(reg x) { return _mm_shuffle_epi32(x, 0x4e); }
  XPS_INLINE static reg low_to_high(reg x) { return _mm_slli_si128(x, 8); }
  XPS_INLINE static reg high_to_low(reg x) { return _mm_srli_si128(x, 8); }
  template <int HALVES>
  XPS_INLINE static reg multiply(reg a, reg b) {
    return _mm_clmulepi64_si128(a, b, HALVES);
  }
  XPS_INLINE static reg step(int r, reg x, reg round_key) {
    if (r == 0) return _mm_xor_si128(x, round_key);
    if (r == ROUNDS) return _mm_aesenclast_si128(x, round_key);
    return _mm_aesenc_si128(x, round_key);
  }
  XPS_INLINE static reg keep(reg x, size_t n) { return _mm_and_si128(x, load(KEEP_MASK + 64 - n)); }
  XPS_INLINE static reg load_some(const uint8_t* p, size_t n) {
    if (n == 16) return load(p);
    alignas(16) uint8_t buffer[16] = {};
    memcpy(buffer, p, n);
    const reg x = load(buffer);
    wipe(buffer, sizeof buffer);
    return x;
  }
  XPS_INLINE static void store_some(uint8_t* p, reg x, size_t n) {
    if (n == 16) return store(p, x);
    alignas(16) uint8_t buffer[16];
    store(buffer, x);
    memcpy(p, buffer, n);
    wipe(buffer, sizeof buffer);
  }
  // The compiler would otherwise gather the sums of several steps into a tree and need more registers than there are.
  XPS_INLINE static void keep_order(reg& a, reg& b, reg& c) { asm("" : "+x"(a), "+x"(b), "+x"(c)); }

  // x · X in POLYVAL's field, RFC 8452 §3 and appendix A, without a branch on the top bit.
  XPS_INLINE static reg double_number(reg x) {
    const reg carries = _mm_shuffle_epi32(_mm_srai_epi32(x, 31), 0xff);
    const reg shifted = _mm_or_si128(_mm_slli_epi64(x, 1), _mm_slli_si128(_mm_srli_epi64(x, 63), 8));
    return _mm_xor_si128(shifted, _mm_and_si128(carries, _mm_set_epi64x(static_cast<long long>(0xc200000000000000), 1)));
  }

  static void expand_key(uint8_t round_keys[15][16], const uint8_t* key) {
    // All four columns equal: ShiftRows of the last round then moves nothing, and the S-box is what remains.
    expand_aes256_key(round_keys, key, [](uint32_t word) {
      const reg x = _mm_aesenclast_si128(_mm_set1_epi32(static_cast<int>(word)), _mm_setzero_si128());
      return static_cast<uint32_t>(_mm_cvtsi128_si32(x));
    });
  }
};

// Alone, without wider vectors: 6 % faster with Karatsuba on Zen 4.
struct x86_128_alone : x86_128 {
  static constexpr bool three_products = true;
};

#ifdef __VAES__

#ifndef __AVX512F__
struct x86_256 {
  using reg = __m256i;
  static constexpr size_t blocks = 2;
  static constexpr bool three_products = false;

  XPS_INLINE static reg load(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
  XPS_INLINE static void store(void* p, reg x) { _mm256_storeu_si256(static_cast<__m256i*>(p), x); }
  XPS_INLINE static reg broadcast(__m128i x) { return _mm256_broadcastsi128_si256(x); }
  XPS_INLINE static reg broadcast_load(const void* p) { return broadcast(x86_128::load(p)); }
  XPS_INLINE static reg broadcast64(uint64_t x) { return _mm256_set1_epi64x(static_cast<long long>(x)); }
  XPS_INLINE static reg widen(__m128i x) { return _mm256_zextsi128_si256(x); }
  XPS_INLINE static __m128i fold(reg x) {
    return _mm_xor_si128(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
  }
  XPS_INLINE static reg exclusive_or(reg a, reg b) { return _mm256_xor_si256(a, b); }
  XPS_INLINE static reg exclusive_or(reg a, reg b, reg c) { return _mm256_xor_si256(a, _mm256_xor_si256(b, c)); }
  XPS_INLINE static reg add32(reg a, reg b) { return _mm256_add_epi32(a, b); }
  XPS_INLINE static reg low_half(reg, reg b) { return b; }  // not needed: a chunk ends between vectors
  XPS_INLINE static reg lane_numbers(int first) { return _mm256_set_epi32(0, 0, 0, first + 1, 0, 0, 0, first); }
  XPS_INLINE static reg add_blocks(int n) { return _mm256_set_epi32(0, 0, 0, n, 0, 0, 0, n); }
  XPS_INLINE static reg byte_reverse(reg x) {
    return _mm256_shuffle_epi8(
        x, broadcast(_mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)));
  }
  XPS_INLINE static reg swap_halves(reg x) { return _mm256_shuffle_epi32(x, 0x4e); }
  XPS_INLINE static reg low_to_high(reg x) { return _mm256_slli_si256(x, 8); }
  XPS_INLINE static reg high_to_low(reg x) { return _mm256_srli_si256(x, 8); }
  template <int HALVES>
  XPS_INLINE static reg multiply(reg a, reg b) {
    return _mm256_clmulepi64_epi128(a, b, HALVES);
  }
  XPS_INLINE static reg step(int r, reg x, reg round_key) {
    if (r == 0) return _mm256_xor_si256(x, round_key);
    if (r == ROUNDS) return _mm256_aesenclast_epi128(x, round_key);
    return _mm256_aesenc_epi128(x, round_key);
  }
  XPS_INLINE static reg keep(reg x, size_t n) { return _mm256_and_si256(x, load(KEEP_MASK + 64 - n)); }
  XPS_INLINE static reg load_some(const uint8_t* p, size_t n) {
    if (n == 32) return load(p);
    alignas(32) uint8_t buffer[32] = {};
    memcpy(buffer, p, n);
    const reg x = load(buffer);
    wipe(buffer, sizeof buffer);
    return x;
  }
  XPS_INLINE static void store_some(uint8_t* p, reg x, size_t n) {
    if (n == 32) return store(p, x);
    alignas(32) uint8_t buffer[32];
    store(buffer, x);
    memcpy(p, buffer, n);
    wipe(buffer, sizeof buffer);
  }
  XPS_INLINE static void keep_order(reg& a, reg& b, reg& c) { asm("" : "+x"(a), "+x"(b), "+x"(c)); }
};
#endif

#ifdef __AVX512F__
struct x86_512 {
  using reg = __m512i;
  static constexpr size_t blocks = 4;
  static constexpr bool three_products = false;

  XPS_INLINE static reg load(const void* p) { return _mm512_loadu_si512(p); }
  XPS_INLINE static void store(void* p, reg x) { _mm512_storeu_si512(p, x); }
  XPS_INLINE static reg broadcast(__m128i x) { return _mm512_broadcast_i32x4(x); }
  XPS_INLINE static reg broadcast_load(const void* p) { return broadcast(x86_128::load(p)); }
  XPS_INLINE static reg broadcast64(uint64_t x) { return _mm512_set1_epi64(static_cast<long long>(x)); }
  XPS_INLINE static reg widen(__m128i x) { return _mm512_zextsi128_si512(x); }
  XPS_INLINE static __m128i fold(reg x) {
    const __m256i half = _mm256_xor_si256(_mm512_castsi512_si256(x), _mm512_extracti64x4_epi64(x, 1));
    return _mm_xor_si128(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
  }
  XPS_INLINE static reg exclusive_or(reg a, reg b) { return _mm512_xor_si512(a, b); }
  XPS_INLINE static reg exclusive_or(reg a, reg b, reg c) { return _mm512_ternarylogic_epi64(a, b, c, 0x96); }
  XPS_INLINE static reg add32(reg a, reg b) { return _mm512_add_epi32(a, b); }
  // The lower half of a, the upper of b.
  XPS_INLINE static reg low_half(reg a, reg b) { return _mm512_mask_blend_epi64(0xf0, a, b); }
  XPS_INLINE static reg lane_numbers(int first) {
    return _mm512_set_epi32(0, 0, 0, first + 3, 0, 0, 0, first + 2, 0, 0, 0, first + 1, 0, 0, 0, first);
  }
  XPS_INLINE static reg add_blocks(int n) { return _mm512_broadcast_i32x4(_mm_set_epi32(0, 0, 0, n)); }
  XPS_INLINE static reg byte_reverse(reg x) {
    return _mm512_shuffle_epi8(
        x, broadcast(_mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)));
  }
  XPS_INLINE static reg swap_halves(reg x) { return _mm512_shuffle_epi32(x, static_cast<_MM_PERM_ENUM>(0x4e)); }
  XPS_INLINE static reg low_to_high(reg x) { return _mm512_bslli_epi128(x, 8); }
  XPS_INLINE static reg high_to_low(reg x) { return _mm512_bsrli_epi128(x, 8); }
  template <int HALVES>
  XPS_INLINE static reg multiply(reg a, reg b) {
    return _mm512_clmulepi64_epi128(a, b, HALVES);
  }
  XPS_INLINE static reg step(int r, reg x, reg round_key) {
    if (r == 0) return _mm512_xor_si512(x, round_key);
    if (r == ROUNDS) return _mm512_aesenclast_epi128(x, round_key);
    return _mm512_aesenc_epi128(x, round_key);
  }
  XPS_INLINE static __mmask64 first_bytes(size_t n) { return _cvtu64_mask64(~0ull >> (64 - n)); }  // n is 1..64
  XPS_INLINE static reg keep(reg x, size_t n) { return _mm512_maskz_mov_epi8(first_bytes(n), x); }
  XPS_INLINE static reg load_some(const uint8_t* p, size_t n) { return _mm512_maskz_loadu_epi8(first_bytes(n), p); }
  XPS_INLINE static void store_some(uint8_t* p, reg x, size_t n) { _mm512_mask_storeu_epi8(p, first_bytes(n), x); }
  XPS_INLINE static void keep_order(reg& a, reg& b, reg& c) { asm("" : "+v"(a), "+v"(b), "+v"(c)); }
};
#endif

#endif

}  // namespace
}  // namespace xps
