// Poly1305 (RFC 8439 §2.5) with 64-bit multiplications, limbs of 44, 44 and 42 bits. Constant time.
#pragma once

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

class poly1305 {
 public:
  explicit poly1305(const uint8_t key[32]) : pad_{load64_le(key + 16), load64_le(key + 24)} {
    const uint64_t low = load64_le(key) & 0x0ffffffc0fffffffull, high = load64_le(key + 8) & 0x0ffffffc0ffffffcull;
    r_ = {{low & MASK44, ((low >> 44) | (high << 20)) & MASK44, high >> 24}};
  }

  ~poly1305() { wipe(this, sizeof *this); }
  poly1305(const poly1305&) = delete;
  poly1305& operator=(const poly1305&) = delete;

  // Whole blocks; n is a multiple of 16.
  XPS_INLINE void blocks(const uint8_t* p, size_t n) {
    for (; n > 0; p += 16, n -= 16) block(load64_le(p), load64_le(p + 8));
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

  void block(uint64_t low, uint64_t high) {
    h_.v[0] += low & MASK44;
    h_.v[1] += ((low >> 44) | (high << 20)) & MASK44;
    h_.v[2] += (high >> 24) | (1ull << 40);
    h_ = multiply_mod(h_, r_);
  }

  void finish(uint8_t tag[16]) {
    limbs44 h = h_;
    for (int i = 0; i < 2; i++) {
      h.v[1] += h.v[0] >> 44;
      h.v[0] &= MASK44;
      h.v[2] += h.v[1] >> 44;
      h.v[1] &= MASK44;
      h.v[0] += (h.v[2] >> 42) * 5;
      h.v[2] &= MASK42;
    }
    h.v[1] += h.v[0] >> 44;
    h.v[0] &= MASK44;
    // h - p, taken when it is not negative.
    limbs44 g;
    g.v[0] = h.v[0] + 5;
    g.v[1] = h.v[1] + (g.v[0] >> 44);
    g.v[2] = h.v[2] + (g.v[1] >> 44) - (1ull << 42);
    const uint64_t negative = 0 - (g.v[2] >> 63);
    for (int i = 0; i < 2; i++) h.v[i] = (h.v[i] & negative) | (g.v[i] & MASK44 & ~negative);
    h.v[2] = (h.v[2] & negative) | (g.v[2] & ~negative);

    const uint64_t low = h.v[0] | (h.v[1] << 44), high = (h.v[1] >> 20) | (h.v[2] << 24);
    const unsigned __int128 sum = static_cast<unsigned __int128>(low) + pad_[0];
    store64_le(tag, static_cast<uint64_t>(sum));
    store64_le(tag + 8, high + pad_[1] + static_cast<uint64_t>(sum >> 64));
  }

  // For vector code that takes over the middle of a long message.
  limbs44& h() { return h_; }
  const limbs44& r() const { return r_; }

 private:
  limbs44 h_{};
  limbs44 r_;
  uint64_t pad_[2];
};

}  // namespace
}  // namespace xps
