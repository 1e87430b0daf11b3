// Poly1305 (RFC 8439 §2.5) with 64-bit multiplications. Constant time. Vector code works on limbs of 44, 44 and 42 bits.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "common.h"
#include "kernel.h"

namespace xps {
namespace {

constexpr uint64_t MASK44 = (1ull << 44) - 1;
constexpr uint64_t MASK42 = (1ull << 42) - 1;

// A number modulo 2^130 - 5, not fully reduced.
struct limbs44 {
  uint64_t v[3];
};

XPS_INLINE limbs44 multiply_mod(const limbs44& a, const limbs44& b) {
  using wide = unsigned __int128;
  // 2^132 is 20 modulo the prime.
  const uint64_t s1 = b.v[1] * 20, s2 = b.v[2] * 20;
  wide d0 = static_cast<wide>(a.v[0]) * b.v[0] + static_cast<wide>(a.v[1]) * s2 + static_cast<wide>(a.v[2]) * s1;
  wide d1 = static_cast<wide>(a.v[0]) * b.v[1] + static_cast<wide>(a.v[1]) * b.v[0] + static_cast<wide>(a.v[2]) * s2;
  wide d2 = static_cast<wide>(a.v[0]) * b.v[2] + static_cast<wide>(a.v[1]) * b.v[1] + static_cast<wide>(a.v[2]) * b.v[0];
  limbs44 r;
  d1 += static_cast<uint64_t>(d0 >> 44);
  d2 += static_cast<uint64_t>(d1 >> 44);
  r.v[0] = (static_cast<uint64_t>(d0) & MASK44) + static_cast<uint64_t>(d2 >> 42) * 5;
  r.v[1] = (static_cast<uint64_t>(d1) & MASK44) + (r.v[0] >> 44);
  r.v[0] &= MASK44;
  r.v[2] = static_cast<uint64_t>(d2) & MASK42;
  return r;
}

// a + b + carry; the sum in `sum`, the new carry as the answer.
XPS_INLINE uint8_t add_carry(uint8_t carry, uint64_t a, uint64_t b, uint64_t& sum) {
#if defined(__x86_64__)
  unsigned long long result;  // the compiler sees the carry flag in this, and not in 128-bit additions
  carry = _addcarry_u64(carry, a, b, &result);
  sum = result;
  return carry;
#else
  const unsigned __int128 wide = static_cast<unsigned __int128>(a) + b + carry;
  sum = static_cast<uint64_t>(wide);
  return static_cast<uint8_t>(wide >> 64);
#endif
}

class poly1305 {
 public:
  explicit poly1305(const uint8_t key[32])
      : r_{load64_le(key) & 0x0ffffffc0fffffffull, load64_le(key + 8) & 0x0ffffffc0ffffffcull},
        pad_{load64_le(key + 16), load64_le(key + 24)} {}

  ~poly1305() { wipe(this, sizeof *this); }
  poly1305(const poly1305&) = delete;
  poly1305& operator=(const poly1305&) = delete;

  // Whole blocks; n is a multiple of 16.
  XPS_INLINE void blocks(const uint8_t* p, size_t n) {
    number h = h_;  // in registers for the time of the loop
    for (; n > 0; p += 16, n -= 16) h = absorb(h, r_[0], r_[1], load64_le(p), load64_le(p + 8));
    h_ = h;
  }

  // RFC 8439 §2.8: zeros up to a multiple of 16.
  XPS_INLINE void padded(const uint8_t* p, size_t n) {
    blocks(p, n & ~static_cast<size_t>(15));
    if (n % 16 == 0) return;
    uint8_t last[16] = {};
    memcpy(last, p + (n & ~static_cast<size_t>(15)), n % 16);
    block(load64_le(last), load64_le(last + 8));
    wipe(last, sizeof last);
  }

  XPS_INLINE void block(uint64_t low, uint64_t high) { h_ = absorb(h_, r_[0], r_[1], low, high); }

  void finish(uint8_t tag[16]) {
    // h - p = h + 5 - 2^130, taken when it is not negative; h is below 2p.
    uint64_t low, high, top;
    add_carry(add_carry(add_carry(0, h_.low, 5, low), h_.high, 0, high), h_.top, 0, top);
    const uint64_t reduced = 0 - (top >> 2);
    low = (low & reduced) | (h_.low & ~reduced);
    high = (high & reduced) | (h_.high & ~reduced);
    add_carry(add_carry(0, low, pad_[0], low), high, pad_[1], high);
    store64_le(tag, low);
    store64_le(tag + 8, high);
  }

  // For vector code that takes over the middle of a long message.
  limbs44 h() const { return to_44(h_.low, h_.high, h_.top); }
  limbs44 r() const { return to_44(r_[0], r_[1], 0); }

  // `h` may carry some bits too many in each limb.
  void set_h(limbs44 h) {
    h.v[1] += h.v[0] >> 44;
    h.v[0] &= MASK44;
    h.v[2] += h.v[1] >> 44;
    h.v[1] &= MASK44;
    h.v[0] += (h.v[2] >> 42) * 5;
    h.v[2] &= MASK42;
    h.v[1] += h.v[0] >> 44;
    h.v[0] &= MASK44;
    h_.low = h.v[0] | (h.v[1] << 44);
    // The middle limb may have one bit too many again: it is added, not joined.
    h_.top = (h.v[2] >> 40) + add_carry(0, h.v[1] >> 20, h.v[2] << 24, h_.high);
  }

 private:
  // low + 2^64 · high + 2^128 · top; `top` is at most 4 between blocks.
  struct number {
    uint64_t low = 0, high = 0, top = 0;
  };

  static limbs44 to_44(uint64_t low, uint64_t high, uint64_t top) {
    return {{low & MASK44, ((low >> 44) | (high << 20)) & MASK44, (high >> 24) | (top << 40)}};
  }

  // (h + block) · r modulo 2^130 - 5. The two lowest bits of r1 are zero, so 2^128 · r1 is r1 + r1 / 4 modulo the prime.
  XPS_INLINE static number absorb(number h, uint64_t r0, uint64_t r1, uint64_t low, uint64_t high) {
    using wide = unsigned __int128;
    const uint64_t s1 = r1 + (r1 >> 2);
    const uint8_t carried = add_carry(add_carry(0, h.low, low, h.low), h.high, high, h.high);
    h.top += 1 + static_cast<uint64_t>(carried);  // the block's own 2^128

    const wide d0 = static_cast<wide>(h.low) * r0 + static_cast<wide>(h.high) * s1;
    const wide d1 = static_cast<wide>(h.low) * r1 + static_cast<wide>(h.high) * r0;
    uint64_t middle, upper;
    add_carry(add_carry(0, static_cast<uint64_t>(d1), static_cast<uint64_t>(d0 >> 64), middle),
              static_cast<uint64_t>(d1 >> 64), h.top * r0, upper);
    add_carry(add_carry(0, middle, h.top * s1, middle), upper, 0, upper);

    // What is above 2^130 comes back five-fold: four times as it stands, once shifted.
    const uint64_t over = (upper & ~3ull) + (upper >> 2);
    number result;
    add_carry(add_carry(add_carry(0, static_cast<uint64_t>(d0), over, result.low), middle, 0, result.high), upper & 3, 0,
              result.top);
    return result;
  }

  number h_;
  uint64_t r_[2];
  uint64_t pad_[2];
};

}  // namespace
}  // namespace xps
