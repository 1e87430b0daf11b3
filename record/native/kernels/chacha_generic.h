// Four lanes in the compiler's own vectors: plain C++ for any processor, NEON on arm64.
#pragma once

#include "chacha20_poly1305.h"

namespace xps {
namespace {

struct generic_lanes {
  typedef uint32_t reg __attribute__((vector_size(16)));
  typedef uint64_t pairs __attribute__((vector_size(16)));
  static constexpr size_t lanes = 4;
  static constexpr bool has_registers_for_all = true;

  XPS_INLINE static reg broadcast(uint32_t x) { return reg{x, x, x, x}; }
  XPS_INLINE static reg lane_numbers() { return reg{0, 1, 2, 3}; }
  XPS_INLINE static reg add(reg a, reg b) { return a + b; }
  XPS_INLINE static reg exclusive_or(reg a, reg b) { return a ^ b; }
  template <int N>
  XPS_INLINE static reg rotate(reg x) {
    return (x << N) | (x >> (32 - N));
  }

  // Words 4g…4g+3 of all four blocks become 16 bytes of each block.
  XPS_INLINE static void transpose(const reg* x, reg* bytes) {
    const reg a = __builtin_shufflevector(x[0], x[1], 0, 4, 1, 5), b = __builtin_shufflevector(x[2], x[3], 0, 4, 1, 5);
    const reg c = __builtin_shufflevector(x[0], x[1], 2, 6, 3, 7), d = __builtin_shufflevector(x[2], x[3], 2, 6, 3, 7);
    bytes[0] = __builtin_shufflevector(a, b, 0, 1, 4, 5);
    bytes[1] = __builtin_shufflevector(a, b, 2, 3, 6, 7);
    bytes[2] = __builtin_shufflevector(c, d, 0, 1, 4, 5);
    bytes[3] = __builtin_shufflevector(c, d, 2, 3, 6, 7);
  }

  XPS_INLINE static void store_blocks(const reg* x, uint8_t* stream) {
    for (int g = 0; g < 4; g++) {
      reg bytes[4];
      transpose(x + 4 * g, bytes);
      for (int b = 0; b < 4; b++) memcpy(stream + 64 * b + 16 * g, &bytes[b], 16);
    }
  }

  XPS_INLINE static void exclusive_or_blocks(const reg* x, const uint8_t* in, uint8_t* out) {
    for (int g = 0; g < 4; g++) {
      reg bytes[4];
      transpose(x + 4 * g, bytes);
      for (int b = 0; b < 4; b++) {
        reg text;
        memcpy(&text, in + 64 * b + 16 * g, 16);
        text ^= bytes[b];
        memcpy(out + 64 * b + 16 * g, &text, 16);
      }
    }
  }
};

using generic_chacha20_poly1305 = chacha20_poly1305<generic_lanes, whole_batch<generic_lanes>, scalar_authenticator>;

}  // namespace
}  // namespace xps
