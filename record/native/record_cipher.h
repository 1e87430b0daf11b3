// One AEAD key, ready for records: what the binding and the data plane use. Which kernel does the work is decided by
// dispatch/, for every record by its length.
//
//   auto cipher = record_cipher::create(aead::aes_256_gcm, key);       // once for each traffic key
//   cipher.seal(nonce, {aad, 16}, in, length, out, out + length);      // in == out, or no overlap at all
//   if (!cipher.open(nonce, {aad, 16}, in, length, in + length, out))  // forged: out is wiped
//
// A cipher is immutable: several threads may use one at a time. Nonces are the caller's: they must never repeat under a key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/kernel.h"
#include "locked_memory.h"

namespace xps {

enum class aead : uint8_t { aes_256_gcm, chacha20_poly1305, xchacha20_poly1305 };

constexpr size_t nonce_bytes(aead algorithm) { return algorithm == aead::xchacha20_poly1305 ? 24 : 12; }

constexpr operation operation_of(aead algorithm) {
  return algorithm == aead::aes_256_gcm ? operation::aes_256_gcm : operation::chacha20_poly1305;
}

// NIST SP 800-38D §5.2.1.1 and RFC 8439 §2.8 allow more (2^36 - 32 and 2^38 - 64 bytes); this keeps counters far from
// wrapping with both.
inline constexpr size_t MAX_MESSAGE_BYTES = 1ull << 31;

class record_cipher {
 public:
  record_cipher() = default;

  // `key` is KEY_BYTES long and is copied. Empty when there is no memory or no kernel is permitted. `forced`: this kernel
  // for every length; it must do the algorithm's operation.
  static record_cipher create(aead algorithm, const uint8_t* key, const kernel* forced = nullptr) noexcept;

  explicit operator bool() const noexcept { return static_cast<bool>(state_); }
  aead algorithm() const noexcept { return algorithm_; }

  // What would work on a record of this length.
  const kernel& kernel_for(size_t length) const noexcept;

  // `nonce` is nonce_bytes(algorithm) long, `tag` TAG_BYTES; length is at most MAX_MESSAGE_BYTES.
  void seal(const uint8_t* nonce, std::span<const uint8_t> aad, const uint8_t* in, size_t length, uint8_t* out,
            uint8_t* tag) const noexcept;

  // False when the tag is wrong, with `out` wiped: no byte of a forged record survives.
  [[nodiscard]] bool open(const uint8_t* nonce, std::span<const uint8_t> aad, const uint8_t* in, size_t length,
                          const uint8_t* tag, uint8_t* out) const noexcept;

 private:
  locked<key_state> state_;
  const kernel* forced_ = nullptr;
  aead algorithm_ = aead::aes_256_gcm;
};

}  // namespace xps
