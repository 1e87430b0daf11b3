// What every kernel is: a record of functions over one shared key layout. All kernels of an operation read the same
// layout, so a key can be used by whichever kernel wins for the length at hand.
#pragma once

#include <cstddef>
#include <cstdint>

namespace xps {

enum class operation : uint8_t { aes_256_gcm, chacha20_poly1305 };
inline constexpr size_t OPERATION_COUNT = 2;

inline constexpr size_t KEY_BYTES = 32;
inline constexpr size_t TAG_BYTES = 16;
inline constexpr size_t START_BLOCK_BYTES = 16;

// Instruction sets by the names that XPS_SIMD_ISA_MASK takes. One bit each.
namespace isa {
inline constexpr uint32_t AESNI = 1u << 0;       // AES-NI with SSSE3 and SSE4.1
inline constexpr uint32_t PCLMUL = 1u << 1;      // PCLMULQDQ
inline constexpr uint32_t AVX2 = 1u << 2;        // AVX2 with BMI2
inline constexpr uint32_t VAES = 1u << 3;        // VAES and VPCLMULQDQ
inline constexpr uint32_t AVX512 = 1u << 4;      // AVX-512 F, BW, DQ, VL
inline constexpr uint32_t AVX512IFMA = 1u << 5;  // 52-bit multiply-add
inline constexpr uint32_t NEON = 1u << 6;        // Advanced SIMD
inline constexpr uint32_t ARMAES = 1u << 7;      // ARMv8 AES and PMULL
}  // namespace isa

// Powers of the POLYVAL form of the hash key (RFC 8452 appendix A relates it to GHASH): powers[i] is H^(33 - i), each as
// a little-endian 128-bit number. The zeros behind H^1 let a wide vector run past the end of the table harmlessly.
inline constexpr size_t GCM_POWERS = 33;

struct alignas(64) aes_gcm_key {
  uint8_t round_keys[15][16];
  uint8_t powers[GCM_POWERS][16];  // H^32 begins a cache line
  uint8_t zeros[64];
};

struct alignas(64) chacha_key {
  uint8_t key[KEY_BYTES];
};

union alignas(64) key_state {
  aes_gcm_key gcm;
  chacha_key chacha;
};

// The block that begins a message. AES-GCM: J0 of NIST SP 800-38D §7.1, nonce ‖ big-endian counter (1 modulo
// COUNTER_ALIGNMENT, and 1 but in tests); the payload starts at the counter after it. ChaCha20-Poly1305: little-endian counter (0) ‖ nonce (RFC 8439 §2.3); the block with
// that counter keys Poly1305. Counters are 32 bits and wrap.
inline constexpr size_t COUNTER_ALIGNMENT = 32;
using start_block = uint8_t[START_BLOCK_BYTES];

struct message {
  const uint8_t* start;  // start_block
  const uint8_t* aad;
  size_t aad_length;
  const uint8_t* in;
  size_t length;  // of the payload, without the tag
  uint8_t* out;   // equal to in, or no overlap at all
};

struct kernel {
  const char* name;
  operation does;
  uint32_t required;      // isa:: bits
  uint16_t vector_bits;   // 0: no vectors
  bool constant_time;     // no branch or address depends on key, payload or tag
  void (*prepare)(key_state& state, const uint8_t* key);
  void (*seal)(const key_state& state, const message& message, uint8_t* tag);
  // Compares the tag in constant time; on a mismatch `out` is wiped and the answer is false.
  bool (*open)(const key_state& state, const message& message, const uint8_t* tag);
};

// In the order of preference when measurements are equal: widest first.
extern const kernel AES_GCM_VAES512;
extern const kernel AES_GCM_VAES256;
extern const kernel AES_GCM_AESNI;
extern const kernel AES_GCM_NEON;
extern const kernel AES_GCM_PORTABLE;
extern const kernel CHACHA20_POLY1305_AVX512;
extern const kernel CHACHA20_POLY1305_AVX2;
extern const kernel CHACHA20_POLY1305_NEON;
extern const kernel CHACHA20_POLY1305_PORTABLE;

}  // namespace xps
