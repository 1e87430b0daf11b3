// ChaCha20-Poly1305 with AVX2: eight blocks of ChaCha20 at once, Poly1305 in four lanes of 26-bit limbs.
#if defined(__GNUC__) && !defined(__clang__)
// Scheduling before registers are given out, mindful of how many there are: Poly1305 gains a fifth.
#pragma GCC optimize("schedule-insns", "sched-pressure")
#endif

#include <immintrin.h>

#include "chacha20_poly1305.h"

namespace xps {
namespace {

alignas(32) constexpr uint8_t ROTATE_16[32] = {2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13,
                                               2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13};
alignas(32) constexpr uint8_t ROTATE_8[32] = {3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14,
                                              3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14};

struct avx2_lanes {
  using reg = __m256i;
  static constexpr size_t lanes = 8;
  static constexpr bool has_registers_for_all = false;

  XPS_INLINE static reg load(const uint8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const reg*>(p)); }
  XPS_INLINE static void store(uint8_t* p, reg x) { _mm256_storeu_si256(reinterpret_cast<reg*>(p), x); }
  XPS_INLINE static reg broadcast(uint32_t x) { return _mm256_set1_epi32(static_cast<int>(x)); }
  XPS_INLINE static reg lane_numbers() { return _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0); }
  XPS_INLINE static reg add(reg a, reg b) { return _mm256_add_epi32(a, b); }
  XPS_INLINE static reg exclusive_or(reg a, reg b) { return _mm256_xor_si256(a, b); }
  template <int N>
  XPS_INLINE static reg rotate(reg x) {
    if constexpr (N == 16) {
      return shuffle_from_memory(x, ROTATE_16);
    } else if constexpr (N == 8) {
      return shuffle_from_memory(x, ROTATE_8);
    } else {
      return _mm256_or_si256(_mm256_slli_epi32(x, N), _mm256_srli_epi32(x, 32 - N));
    }
  }

  // The compiler would give the masks two of the sixteen registers, and spill words of the state for them.
  XPS_INLINE static reg shuffle_from_memory(reg x, const uint8_t (&mask)[32]) {
    reg shuffled;
    asm("vpshufb %2, %1, %0" : "=x"(shuffled) : "x"(x), "m"(mask));
    return shuffled;
  }

  // Parks a and b, takes c and d back.
  XPS_INLINE static void exchange(reg& a, reg& b, reg& c, reg& d, reg parked[2]) {
    asm volatile("vmovdqa %2, %0\n\tvmovdqa %3, %1" : "=&x"(c), "=x"(d) : "m"(parked[0]), "m"(parked[1]));
    asm volatile("vmovdqa %2, %0\n\tvmovdqa %3, %1" : "=m"(parked[0]), "=m"(parked[1]) : "x"(a), "x"(b));
  }

  // Words 4g…4g+3 of blocks 0…7 become 16 bytes of block b (low half) and b + 4 (high half).
  XPS_INLINE static void transpose(const reg* x, reg* bytes) {
    const reg a = _mm256_unpacklo_epi32(x[0], x[1]), b = _mm256_unpacklo_epi32(x[2], x[3]);
    const reg c = _mm256_unpackhi_epi32(x[0], x[1]), d = _mm256_unpackhi_epi32(x[2], x[3]);
    bytes[0] = _mm256_unpacklo_epi64(a, b);
    bytes[1] = _mm256_unpackhi_epi64(a, b);
    bytes[2] = _mm256_unpacklo_epi64(c, d);
    bytes[3] = _mm256_unpackhi_epi64(c, d);
  }

  template <class Store>
  XPS_INLINE static void each_32_bytes(const reg* x, Store put) {
#pragma GCC unroll 2
    for (int half = 0; half < 2; half++) {
      reg left[4], right[4];
      transpose(x + 8 * half, left);
      transpose(x + 8 * half + 4, right);
#pragma GCC unroll 4
      for (int b = 0; b < 4; b++) {
        put(64 * b + 32 * half, _mm256_permute2x128_si256(left[b], right[b], 0x20));
        put(64 * (b + 4) + 32 * half, _mm256_permute2x128_si256(left[b], right[b], 0x31));
      }
    }
  }

  XPS_INLINE static void store_blocks(const reg* x, uint8_t* stream) {
    each_32_bytes(x, [&](int at, reg bytes) { store(stream + at, bytes); });
  }

  XPS_INLINE static void exclusive_or_blocks(const reg* x, const uint8_t* in, uint8_t* out) {
    each_32_bytes(x, [&](int at, reg bytes) { store(out + at, exclusive_or(bytes, load(in + at))); });
  }

  static constexpr int row_blocks = 2;
  XPS_INLINE static reg broadcast_row(const uint32_t* words) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(words)));
  }
  XPS_INLINE static reg row_numbers(int first) { return _mm256_set_epi32(0, 0, 0, first + 1, 0, 0, 0, first); }
  template <int N>
  XPS_INLINE static reg rotate_row(reg x) {
    return _mm256_shuffle_epi32(x, N == 1 ? 0x39 : N == 2 ? 0x4e : 0x93);
  }
  XPS_INLINE static void store_row(reg x, uint8_t* stream) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(stream), _mm256_castsi256_si128(x));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(stream + CHACHA_BLOCK), _mm256_extracti128_si256(x, 1));
  }
};

struct limbs26 {
  uint64_t v[5];
};

constexpr uint64_t MASK26 = (1ull << 26) - 1;

XPS_INLINE limbs26 to_26(const limbs44& a) {
  return {{a.v[0] & MASK26, ((a.v[0] >> 26) | (a.v[1] << 18)) & MASK26, (a.v[1] >> 8) & MASK26,
           ((a.v[1] >> 34) | (a.v[2] << 10)) & MASK26, a.v[2] >> 16}};
}

XPS_INLINE limbs44 to_44(limbs26 a) {
  for (int i = 0; i < 4; i++) {
    a.v[i + 1] += a.v[i] >> 26;
    a.v[i] &= MASK26;
  }
  a.v[0] += (a.v[4] >> 26) * 5;
  a.v[4] &= MASK26;
  a.v[1] += a.v[0] >> 26;
  a.v[0] &= MASK26;
  return {{(a.v[0] | (a.v[1] << 26)) & MASK44, ((a.v[1] >> 18) + (a.v[2] << 8) + (a.v[3] << 34)) & MASK44,
           (((a.v[1] >> 18) + (a.v[2] << 8) + (a.v[3] << 34)) >> 44) + (a.v[4] << 16)}};
}

struct avx2_authenticator {
  using reg = __m256i;
  static constexpr size_t STRIDE = 128;  // two groups of four blocks

  XPS_INLINE static reg multiply(reg a, reg b) { return _mm256_mul_epu32(a, b); }
  XPS_INLINE static reg add(reg a, reg b) { return _mm256_add_epi64(a, b); }
  XPS_INLINE static reg keep26(reg a) { return _mm256_and_si256(a, _mm256_set1_epi64x(MASK26)); }

  struct power {
    reg r[5];
    reg s[5];  // five times r: 2^130 is 5
  };

  XPS_INLINE static void five_times(power& p) {
    for (int i = 0; i < 5; i++) p.s[i] = add(p.r[i], _mm256_slli_epi64(p.r[i], 2));
  }

  // Blocks 0, 2, 1, 3 in the lanes: what unpacking gives.
  XPS_INLINE static void load_blocks(const uint8_t* p, reg m[5]) {
    const reg a = avx2_lanes::load(p), b = avx2_lanes::load(p + 32);
    const reg low = _mm256_unpacklo_epi64(a, b), high = _mm256_unpackhi_epi64(a, b);
    m[0] = keep26(low);
    m[1] = keep26(_mm256_srli_epi64(low, 26));
    m[2] = keep26(_mm256_or_si256(_mm256_srli_epi64(low, 52), _mm256_slli_epi64(high, 12)));
    m[3] = keep26(_mm256_srli_epi64(high, 14));
    m[4] = _mm256_or_si256(_mm256_srli_epi64(high, 40), _mm256_set1_epi64x(1 << 24));
  }

  XPS_INLINE static void multiply_add(reg d[5], const reg h[5], const power& p) {
#pragma GCC unroll 5
    for (int j = 0; j < 5; j++) {
#pragma GCC unroll 5
      for (int i = 0; i < 5; i++) d[i] = add(d[i], multiply(h[j], j <= i ? p.r[i - j] : p.s[5 + i - j]));
    }
  }

  // Two chains side by side: 0 → 1 → 2 → 3 → 4 and 3 → 4 → 0 → 1.
  XPS_INLINE static void carry(reg d[5]) {
    carry_one(d[0], d[1]);
    carry_one(d[3], d[4]);
    carry_one(d[1], d[2]);
    const reg over = _mm256_srli_epi64(d[4], 26);
    d[4] = keep26(d[4]);
    d[0] = add(d[0], add(over, _mm256_slli_epi64(over, 2)));
    carry_one(d[2], d[3]);
    carry_one(d[0], d[1]);
    carry_one(d[3], d[4]);
  }

  XPS_INLINE static void carry_one(reg& from, reg& to) {
    to = add(to, _mm256_srli_epi64(from, 26));
    from = keep26(from);
  }

  static size_t middle(poly1305& poly, const uint8_t* p, size_t n) {
    const size_t taken = n & ~(STRIDE - 1);
    if (taken < 2 * STRIDE) return 0;
    limbs44 powers[5] = {poly.r()};  // r^1 … r^4, r^8
    for (int i = 1; i < 4; i++) powers[i] = multiply_mod(powers[i - 1], poly.r());
    powers[4] = multiply_mod(powers[3], powers[3]);
    const limbs26 r1 = to_26(powers[0]), r2 = to_26(powers[1]), r3 = to_26(powers[2]), r4 = to_26(powers[3]);
    const limbs26 r8 = to_26(powers[4]), before = to_26(poly.h());
    power fourth, eighth, last;
    reg h[5];
    for (int i = 0; i < 5; i++) {
      auto lane = [](uint64_t x) { return static_cast<long long>(x); };
      fourth.r[i] = _mm256_set1_epi64x(lane(r4.v[i]));
      eighth.r[i] = _mm256_set1_epi64x(lane(r8.v[i]));
      last.r[i] = _mm256_set_epi64x(lane(r1.v[i]), lane(r3.v[i]), lane(r2.v[i]), lane(r4.v[i]));
      h[i] = _mm256_setzero_si256();
    }
    five_times(fourth);
    five_times(eighth);
    five_times(last);
    for (size_t at = 0; at < taken; at += STRIDE) {
      reg first[5], d[5];
      load_blocks(p + at, first);
      if (at == 0) {
        for (int i = 0; i < 5; i++) {
          first[i] = add(first[i], _mm256_set_epi64x(0, 0, 0, static_cast<long long>(before.v[i])));
        }
      }
      load_blocks(p + at + STRIDE / 2, d);
      multiply_add(d, first, fourth);
      multiply_add(d, h, eighth);
      carry(d);
      for (int i = 0; i < 5; i++) h[i] = d[i];
    }
    reg total[5];
    for (int i = 0; i < 5; i++) total[i] = _mm256_setzero_si256();
    multiply_add(total, h, last);
    carry(total);
    limbs26 sum;
    for (int i = 0; i < 5; i++) {
      alignas(32) uint64_t lane[4];
      _mm256_store_si256(reinterpret_cast<reg*>(lane), total[i]);
      sum.v[i] = lane[0] + lane[1] + lane[2] + lane[3];
    }
    poly.set_h(to_44(sum));
    wipe(powers, sizeof powers);
    wipe(&fourth, sizeof fourth);
    wipe(&eighth, sizeof eighth);
    wipe(&last, sizeof last);
    return taken;
  }
};

using avx2 = chacha20_poly1305<avx2_lanes, four_blocks<avx2_lanes>, avx2_authenticator>;

}  // namespace

const kernel CHACHA20_POLY1305_AVX2 = {
    "chacha20-poly1305/avx2", operation::chacha20_poly1305, isa::AVX2, 256, true, avx2::prepare,
    avx2::seal,               avx2::open};

}  // namespace xps
