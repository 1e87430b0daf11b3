// ChaCha20-Poly1305 with NEON: four blocks of ChaCha20 at once with its byte shuffles and shift-and-insert. Poly1305 stays
// in 64-bit registers, which keep up with it.
#include <arm_neon.h>

#include "chacha_generic.h"

namespace xps {
namespace {

struct neon_lanes : generic_lanes {
  template <int N>
  XPS_INLINE static reg rotate(reg x) {
    const auto number = reinterpret_cast<uint32x4_t>(x);
    if constexpr (N == 16) {
      return reinterpret_cast<reg>(vrev32q_u16(vreinterpretq_u16_u32(number)));
    } else if constexpr (N == 8) {
      const uint8x16_t order = {3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14};
      return reinterpret_cast<reg>(vqtbl1q_u8(vreinterpretq_u8_u32(number), order));
    } else {
      return reinterpret_cast<reg>(vsriq_n_u32(vshlq_n_u32(number, N), number, 32 - N));
    }
  }
};

using neon = chacha20_poly1305<neon_lanes, whole_batch<neon_lanes>, scalar_authenticator>;

}  // namespace

const kernel CHACHA20_POLY1305_NEON = {
    "chacha20-poly1305/neon", operation::chacha20_poly1305, isa::NEON, 128, true, neon::prepare, neon::seal, neon::open};

}  // namespace xps
