// AES-256-GCM with the AES and PMULL instructions of ARMv8: one block in a register.
#include <arm_neon.h>

#include "aes_gcm.h"

namespace xps {
namespace {

struct neon_128 {
  using reg = uint8x16_t;
  static constexpr size_t blocks = 1;
  static constexpr bool three_products = true;

  XPS_INLINE static reg zero() { return vdupq_n_u8(0); }
  XPS_INLINE static reg load(const void* p) { return vld1q_u8(static_cast<const uint8_t*>(p)); }
  XPS_INLINE static void store(void* p, reg x) { vst1q_u8(static_cast<uint8_t*>(p), x); }
  XPS_INLINE static reg broadcast(reg x) { return x; }
  XPS_INLINE static reg broadcast_load(const void* p) { return load(p); }
  XPS_INLINE static reg broadcast64(uint64_t x) { return vreinterpretq_u8_u64(vdupq_n_u64(x)); }
  XPS_INLINE static reg widen(reg x) { return x; }
  XPS_INLINE static reg fold(reg x) { return x; }
  XPS_INLINE static reg exclusive_or(reg a, reg b) { return veorq_u8(a, b); }
  XPS_INLINE static reg exclusive_or(reg a, reg b, reg c) { return veorq_u8(a, veorq_u8(b, c)); }
  XPS_INLINE static reg add32(reg a, reg b) {
    return vreinterpretq_u8_u32(vaddq_u32(vreinterpretq_u32_u8(a), vreinterpretq_u32_u8(b)));
  }
  XPS_INLINE static reg low_half(reg, reg b) { return b; }  // there are no halves
  XPS_INLINE static reg lane_numbers(int first) { return add_blocks(first); }
  XPS_INLINE static reg add_blocks(int n) {
    return vreinterpretq_u8_u32(vsetq_lane_u32(static_cast<uint32_t>(n), vdupq_n_u32(0), 0));
  }
  XPS_INLINE static reg swap_halves(reg x) { return vextq_u8(x, x, 8); }
  XPS_INLINE static reg byte_reverse(reg x) { return swap_halves(vrev64q_u8(x)); }
  XPS_INLINE static reg low_to_high(reg x) { return vextq_u8(zero(), x, 8); }
  XPS_INLINE static reg high_to_low(reg x) { return vextq_u8(x, zero(), 8); }
  // The bits of HALVES as in PCLMULQDQ: the lowest chooses the half of a, the fifth that of b.
  template <int HALVES>
  XPS_INLINE static reg multiply(reg a, reg b) {
    const poly64x2_t x = vreinterpretq_p64_u8(a);
    const poly64x2_t y = vreinterpretq_p64_u8((HALVES & 1) == (HALVES >> 4) ? b : swap_halves(b));
    if constexpr ((HALVES & 1) != 0) return vreinterpretq_u8_p128(vmull_high_p64(x, y));
    return vreinterpretq_u8_p128(
        vmull_p64(static_cast<poly64_t>(vgetq_lane_p64(x, 0)), static_cast<poly64_t>(vgetq_lane_p64(y, 0))));
  }
  // AESE adds its key first. With a key of zero it is what follows the addition; the compiler joins the exclusive-or of
  // one round with the AESE of the next.
  XPS_INLINE static reg step(int r, reg x, reg round_key) {
    if (r == 0) return exclusive_or(x, round_key);
    const reg substituted = vaeseq_u8(x, zero());
    return exclusive_or(r == ROUNDS ? substituted : vaesmcq_u8(substituted), round_key);
  }
  XPS_INLINE static reg keep(reg x, size_t n) { return vandq_u8(x, load(KEEP_MASK + 64 - n)); }
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
  XPS_INLINE static void keep_order(reg& a, reg& b, reg& c) { asm("" : "+w"(a), "+w"(b), "+w"(c)); }

  // x · X in POLYVAL's field, RFC 8452 §3 and appendix A, without a branch on the top bit.
  XPS_INLINE static reg double_number(reg x) {
    const uint64x2_t number = vreinterpretq_u64_u8(x);
    const uint64x2_t carry = vshrq_n_u64(number, 63);
    const uint64x2_t carries = vdupq_laneq_u64(vsubq_u64(vdupq_n_u64(0), carry), 1);
    const reg shifted = vorrq_u8(vreinterpretq_u8_u64(vshlq_n_u64(number, 1)), low_to_high(vreinterpretq_u8_u64(carry)));
    const uint64x2_t polynomial = vcombine_u64(vcreate_u64(1), vcreate_u64(0xc200000000000000ull));
    return veorq_u8(shifted, vreinterpretq_u8_u64(vandq_u64(carries, polynomial)));
  }

  static void expand_key(uint8_t round_keys[15][16], const uint8_t* key) {
    // All four columns equal: ShiftRows then moves nothing, and the S-box is what remains.
    expand_aes256_key(round_keys, key, [](uint32_t word) {
      const reg x = vaeseq_u8(vreinterpretq_u8_u32(vdupq_n_u32(word)), zero());
      return vgetq_lane_u32(vreinterpretq_u32_u8(x), 0);
    });
  }
};

using neon = aes_gcm<neon_128, neon_128, 8>;

}  // namespace

const kernel AES_GCM_NEON = {
    "aes-256-gcm/neon", operation::aes_256_gcm, isa::NEON | isa::ARMAES, 128, true, neon::prepare, neon::seal, neon::open};

}  // namespace xps
