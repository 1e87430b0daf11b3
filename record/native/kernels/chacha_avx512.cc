// ChaCha20-Poly1305 with AVX-512: sixteen blocks of ChaCha20 at once, Poly1305 in eight lanes of 44-bit limbs with the
// 52-bit multiply-add.
#include <immintrin.h>

#include "chacha20_poly1305.h"

namespace xps {
namespace {

struct avx512_lanes {
  using reg = __m512i;
  static constexpr size_t lanes = 16;
  static constexpr bool has_registers_for_all = true;

  XPS_INLINE static reg load(const uint8_t* p) { return _mm512_loadu_si512(p); }
  XPS_INLINE static void store(uint8_t* p, reg x) { _mm512_storeu_si512(p, x); }
  XPS_INLINE static reg broadcast(uint32_t x) { return _mm512_set1_epi32(static_cast<int>(x)); }
  XPS_INLINE static reg lane_numbers() {
    return _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  }
  XPS_INLINE static reg add(reg a, reg b) { return _mm512_add_epi32(a, b); }
  XPS_INLINE static reg exclusive_or(reg a, reg b) { return _mm512_xor_si512(a, b); }
  template <int N>
  XPS_INLINE static reg rotate(reg x) {
    return _mm512_rol_epi32(x, N);
  }

  // Words 4g…4g+3 become, in 128-bit lane l, 16 bytes of block 4·l + b.
  XPS_INLINE static void transpose(const reg* x, reg* bytes) {
    const reg a = _mm512_unpacklo_epi32(x[0], x[1]), b = _mm512_unpacklo_epi32(x[2], x[3]);
    const reg c = _mm512_unpackhi_epi32(x[0], x[1]), d = _mm512_unpackhi_epi32(x[2], x[3]);
    bytes[0] = _mm512_unpacklo_epi64(a, b);
    bytes[1] = _mm512_unpackhi_epi64(a, b);
    bytes[2] = _mm512_unpacklo_epi64(c, d);
    bytes[3] = _mm512_unpackhi_epi64(c, d);
  }

  template <class Store>
  XPS_INLINE static void each_block(const reg* x, Store put) {
    reg part[4][4];
#pragma GCC unroll 4
    for (int g = 0; g < 4; g++) transpose(x + 4 * g, part[g]);
#pragma GCC unroll 4
    for (int b = 0; b < 4; b++) {
      const reg low01 = _mm512_shuffle_i32x4(part[0][b], part[1][b], 0x44);
      const reg high01 = _mm512_shuffle_i32x4(part[0][b], part[1][b], 0xee);
      const reg low23 = _mm512_shuffle_i32x4(part[2][b], part[3][b], 0x44);
      const reg high23 = _mm512_shuffle_i32x4(part[2][b], part[3][b], 0xee);
      put(b, _mm512_shuffle_i32x4(low01, low23, 0x88));
      put(4 + b, _mm512_shuffle_i32x4(low01, low23, 0xdd));
      put(8 + b, _mm512_shuffle_i32x4(high01, high23, 0x88));
      put(12 + b, _mm512_shuffle_i32x4(high01, high23, 0xdd));
    }
  }

  XPS_INLINE static void store_blocks(const reg* x, uint8_t* stream) {
    each_block(x, [&](int b, reg bytes) { store(stream + b * CHACHA_BLOCK, bytes); });
  }

  XPS_INLINE static void exclusive_or_blocks(const reg* x, const uint8_t* in, uint8_t* out) {
    each_block(x, [&](int b, reg bytes) {
      store(out + b * CHACHA_BLOCK, exclusive_or(bytes, load(in + b * CHACHA_BLOCK)));
    });
  }

  static constexpr int row_blocks = 4;
  XPS_INLINE static reg broadcast_row(const uint32_t* words) {
    return _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(words)));
  }
  XPS_INLINE static reg row_numbers(int first) {
    return _mm512_set_epi32(0, 0, 0, first + 3, 0, 0, 0, first + 2, 0, 0, 0, first + 1, 0, 0, 0, first);
  }
  template <int N>
  XPS_INLINE static reg rotate_row(reg x) {
    return _mm512_shuffle_epi32(x, static_cast<_MM_PERM_ENUM>(N == 1 ? 0x39 : N == 2 ? 0x4e : 0x93));
  }
  XPS_INLINE static void store_row(reg x, uint8_t* stream) {
    auto put = [&](int block, __m128i bytes) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(stream + block * CHACHA_BLOCK), bytes);
    };
    put(0, _mm512_castsi512_si128(x));
    put(1, _mm512_extracti32x4_epi32(x, 1));
    put(2, _mm512_extracti32x4_epi32(x, 2));
    put(3, _mm512_extracti32x4_epi32(x, 3));
  }
};

struct ifma_authenticator {
  using reg = __m512i;
  static constexpr size_t STRIDE = 256;  // two groups of eight blocks

  XPS_INLINE static reg add(reg a, reg b) { return _mm512_add_epi64(a, b); }
  XPS_INLINE static reg broadcast(uint64_t x) { return _mm512_set1_epi64(static_cast<long long>(x)); }
  XPS_INLINE static reg keep44(reg x) { return _mm512_and_si512(x, broadcast(MASK44)); }

  struct power {
    reg r[3];
    reg s1, s2;  // twenty times r1, r2: 2^132 is 20
  };

  // Sums of products, low and high 52 bits apart.
  struct sums {
    reg low[3], high[3];
  };

  XPS_INLINE static void multiply_add(sums& d, const reg h[3], const power& p) {
    const reg factor[3][3] = {{p.r[0], p.s2, p.s1}, {p.r[1], p.r[0], p.s2}, {p.r[2], p.r[1], p.r[0]}};
#pragma GCC unroll 3
    for (int j = 0; j < 3; j++) {
#pragma GCC unroll 3
      for (int i = 0; i < 3; i++) {
        d.low[i] = _mm512_madd52lo_epu64(d.low[i], h[j], factor[i][j]);
        d.high[i] = _mm512_madd52hi_epu64(d.high[i], h[j], factor[i][j]);
      }
    }
  }

  XPS_INLINE static void carry(sums& d, reg h[3]) {
    const reg c0 = add(_mm512_srli_epi64(d.low[0], 44), _mm512_slli_epi64(d.high[0], 8));
    d.low[1] = add(d.low[1], c0);
    const reg c1 = add(_mm512_srli_epi64(d.low[1], 44), _mm512_slli_epi64(d.high[1], 8));
    d.low[2] = add(d.low[2], c1);
    const reg c2 = add(_mm512_srli_epi64(d.low[2], 42), _mm512_slli_epi64(d.high[2], 10));
    h[0] = add(keep44(d.low[0]), add(c2, _mm512_slli_epi64(c2, 2)));
    h[1] = add(keep44(d.low[1]), _mm512_srli_epi64(h[0], 44));
    h[0] = keep44(h[0]);
    h[2] = _mm512_and_si512(d.low[2], broadcast(MASK42));
  }

  // Blocks 0, 4, 1, 5, 2, 6, 3, 7 in the lanes: what unpacking gives.
  XPS_INLINE static void load_blocks(const uint8_t* p, reg m[3]) {
    const reg a = avx512_lanes::load(p), b = avx512_lanes::load(p + 64);
    const reg low = _mm512_unpacklo_epi64(a, b), high = _mm512_unpackhi_epi64(a, b);
    m[0] = keep44(low);
    m[1] = keep44(_mm512_or_si512(_mm512_srli_epi64(low, 44), _mm512_slli_epi64(high, 20)));
    m[2] = _mm512_or_si512(_mm512_srli_epi64(high, 24), broadcast(1ull << 40));
  }

  XPS_INLINE static void twenty_times(power& p) {
    auto times = [](reg x) { return add(_mm512_slli_epi64(x, 4), _mm512_slli_epi64(x, 2)); };
    p.s1 = times(p.r[1]);
    p.s2 = times(p.r[2]);
  }

  static size_t middle(poly1305& poly, const uint8_t* p, size_t n) {
    const size_t taken = n & ~(STRIDE - 1);
    if (taken < 2 * STRIDE) return 0;
    limbs44 powers[9] = {poly.r()};  // r^1 … r^8, r^16
    for (int i = 1; i < 8; i++) powers[i] = multiply_mod(powers[i / 2], powers[i - 1 - i / 2]);
    powers[8] = multiply_mod(powers[7], powers[7]);
    power eighth, sixteenth, last;
    reg h[3];
    for (int i = 0; i < 3; i++) {
      auto r = [&](int exponent) { return static_cast<long long>(powers[exponent - 1].v[i]); };
      eighth.r[i] = broadcast(powers[7].v[i]);
      sixteenth.r[i] = broadcast(powers[8].v[i]);
      last.r[i] = _mm512_set_epi64(r(1), r(5), r(2), r(6), r(3), r(7), r(4), r(8));
      h[i] = _mm512_setzero_si512();
    }
    twenty_times(eighth);
    twenty_times(sixteenth);
    twenty_times(last);

    reg first[3], second[3];
    const limbs44 before = poly.h();
    for (size_t at = 0; at < taken; at += STRIDE) {
      load_blocks(p + at, first);
      load_blocks(p + at + STRIDE / 2, second);
      if (at == 0) {
        for (int i = 0; i < 3; i++) {
          first[i] = add(first[i], _mm512_set_epi64(0, 0, 0, 0, 0, 0, 0, static_cast<long long>(before.v[i])));
        }
      }
      sums d;
      for (int i = 0; i < 3; i++) {
        d.low[i] = second[i];
        d.high[i] = _mm512_setzero_si512();
      }
      multiply_add(d, first, eighth);
      multiply_add(d, h, sixteenth);
      carry(d, h);
    }
    sums d;
    for (int i = 0; i < 3; i++) d.low[i] = d.high[i] = _mm512_setzero_si512();
    multiply_add(d, h, last);
    carry(d, h);
    limbs44 sum;
    for (int i = 0; i < 3; i++) sum.v[i] = static_cast<uint64_t>(_mm512_reduce_add_epi64(h[i]));
    poly.set_h(sum);
    wipe(powers, sizeof powers);
    wipe(&eighth, sizeof eighth);
    wipe(&sixteenth, sizeof sixteenth);
    wipe(&last, sizeof last);
    return taken;
  }
};

using avx512 = chacha20_poly1305<avx512_lanes, four_blocks<avx512_lanes>, ifma_authenticator>;

}  // namespace

const kernel CHACHA20_POLY1305_AVX512 = {"chacha20-poly1305/avx512",
                                         operation::chacha20_poly1305,
                                         isa::AVX2 | isa::AVX512 | isa::AVX512IFMA,
                                         512,
                                         true,
                                         avx512::prepare,
                                         avx512::seal,
                                         avx512::open};

}  // namespace xps
