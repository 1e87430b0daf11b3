// ChaCha20-Poly1305 (RFC 8439 §2.8) over a vector of 32-bit lanes: word i of the state of every block in flight stands
// in vector i. One source for 128 (portable, NEON), 256 and 512 bits.
//
// Sealing encrypts, then authenticates; opening authenticates first, so that a forged message is never decrypted.
#pragma once

#include "common.h"
#include "kernel.h"
#include "poly1305.h"

namespace xps {
namespace {

constexpr uint32_t CHACHA_CONSTANTS[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
constexpr size_t CHACHA_BLOCK = 64;

struct chacha_input {
  uint32_t words[16];

  chacha_input(const uint8_t* key, const uint8_t* start) {
    for (int i = 0; i < 4; i++) words[i] = CHACHA_CONSTANTS[i];
    for (int i = 0; i < 8; i++) words[4 + i] = load32_le(key + 4 * i);
    for (int i = 0; i < 4; i++) words[12 + i] = load32_le(start + 4 * i);
  }

  ~chacha_input() { wipe(words, sizeof words); }
};

template <class V>
XPS_INLINE void quarter_round(typename V::reg& a, typename V::reg& b, typename V::reg& c, typename V::reg& d) {
  a = V::add(a, b);
  d = V::template rotate<16>(V::exclusive_or(d, a));
  c = V::add(c, d);
  b = V::template rotate<12>(V::exclusive_or(b, c));
  a = V::add(a, b);
  d = V::template rotate<8>(V::exclusive_or(d, a));
  c = V::add(c, d);
  b = V::template rotate<7>(V::exclusive_or(b, c));
}

// Quarter rounds FIRST … FIRST + COUNT - 1 step by step side by side: the compiler keeps this order, so COUNT decides
// how many registers are live and how many additions can run at once. SHIFT 0: columns, 1: diagonals.
template <class V, int SHIFT, int FIRST, int COUNT>
XPS_INLINE void quarter_rounds(typename V::reg x[16]) {
  auto each = [](auto step) {
#pragma GCC unroll 4
    for (int q = FIRST; q < FIRST + COUNT; q++) step(q);
  };
  auto a = [](int q) { return q; };
  auto b = [](int q) { return 4 + (q + SHIFT) % 4; };
  auto c = [](int q) { return 8 + (q + 2 * SHIFT) % 4; };
  auto d = [](int q) { return 12 + (q + 3 * SHIFT) % 4; };
  each([&](int q) XPS_ALWAYS { x[a(q)] = V::add(x[a(q)], x[b(q)]); });
  each([&](int q) XPS_ALWAYS { x[d(q)] = V::template rotate<16>(V::exclusive_or(x[d(q)], x[a(q)])); });
  each([&](int q) XPS_ALWAYS { x[c(q)] = V::add(x[c(q)], x[d(q)]); });
  each([&](int q) XPS_ALWAYS { x[b(q)] = V::template rotate<12>(V::exclusive_or(x[b(q)], x[c(q)])); });
  each([&](int q) XPS_ALWAYS { x[a(q)] = V::add(x[a(q)], x[b(q)]); });
  each([&](int q) XPS_ALWAYS { x[d(q)] = V::template rotate<8>(V::exclusive_or(x[d(q)], x[a(q)])); });
  each([&](int q) XPS_ALWAYS { x[c(q)] = V::add(x[c(q)], x[d(q)]); });
  each([&](int q) XPS_ALWAYS { x[b(q)] = V::template rotate<7>(V::exclusive_or(x[b(q)], x[c(q)])); });
}

// With sixteen registers the state does not fit beside what it is computed with. Words 8 to 11 are then parked in memory
// two at a time: each pair of quarter rounds needs only two of them, and the order below needs two exchanges a round.
template <class V>
XPS_INLINE void double_round(typename V::reg x[16], typename V::reg parked[2]) {
  if constexpr (V::has_registers_for_all) {
    quarter_rounds<V, 0, 0, 4>(x);
    quarter_rounds<V, 1, 0, 4>(x);
  } else {
    quarter_rounds<V, 0, 0, 2>(x);
    V::exchange(x[8], x[9], x[10], x[11], parked);
    quarter_rounds<V, 0, 2, 2>(x);
    quarter_rounds<V, 1, 0, 2>(x);
    V::exchange(x[10], x[11], x[8], x[9], parked);
    quarter_rounds<V, 1, 2, 2>(x);
  }
}

// V::lanes blocks at once.
template <class V>
struct chacha20 {
  using reg = typename V::reg;
  static constexpr size_t BATCH = CHACHA_BLOCK * V::lanes;

  // The key stream of V::lanes blocks from the counter in `input`, which moves on. x holds words, not yet transposed.
  XPS_INLINE static void batch(chacha_input& input, reg x[16]) {
    reg start[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) start[i] = V::broadcast(input.words[i]);
    start[12] = V::add(start[12], V::lane_numbers());
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) x[i] = start[i];
    reg parked[2] = {x[10], x[11]};
#pragma GCC unroll 1
    for (int round = 0; round < 20; round += 2) double_round<V>(x, parked);
    if constexpr (!V::has_registers_for_all) x[10] = parked[0], x[11] = parked[1];
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) x[i] = V::add(x[i], start[i]);
    input.words[12] += V::lanes;
  }

  XPS_INLINE static void key_stream(chacha_input& input, uint8_t* stream) {
    reg x[16];
    batch(input, x);
    V::store_blocks(x, stream);
  }

  XPS_INLINE static void exclusive_or_batch(chacha_input& input, const uint8_t* in, uint8_t* out) {
    reg x[16];
    batch(input, x);
    V::exclusive_or_blocks(x, in, out);
  }
};

XPS_INLINE void exclusive_or_bytes(const uint8_t* in, const uint8_t* stream, uint8_t* out, size_t n) {
  for (size_t i = 0; i < n; i++) out[i] = in[i] ^ stream[i];
}

// V: the vector of the cipher. Few: the first blocks of a message, at least 2; short messages need no more.
// Authenticator::middle(poly, p, n) hashes a part of n bytes and returns how many it took (a multiple of 16).
template <class V, class Few, class Authenticator>
struct chacha20_poly1305 {
  using cipher = chacha20<V>;

  static void prepare(key_state& state, const uint8_t* key) { memcpy(state.chacha.key, key, KEY_BYTES); }

  static void seal(const key_state& state, const message& m, uint8_t* tag) {
    beginning first(state, m);
    first.encrypt(m);
    authenticate(first.stream, m, m.out, tag);
  }

  static bool open(const key_state& state, const message& m, const uint8_t* tag) {
    beginning first(state, m);
    uint8_t computed[TAG_BYTES];
    authenticate(first.stream, m, m.in, computed);
    const bool authentic = equal_tags(computed, tag);
    wipe(computed, sizeof computed);
    if (authentic) {
      first.encrypt(m);
    } else {
      wipe(m.out, m.length);
    }
    return authentic;
  }

 private:
  // Block 0 keys Poly1305; what was computed with it begins the key stream of the payload.
  struct beginning {
    chacha_input input;
    alignas(64) uint8_t stream[Few::BYTES];

    beginning(const key_state& state, const message& m) : input(state.chacha.key, m.start) {
      Few::key_stream(input, stream);
    }
    ~beginning() { wipe(stream, sizeof stream); }

    void encrypt(const message& m) {
      constexpr size_t ready = Few::BYTES - CHACHA_BLOCK;
      size_t at = m.length < ready ? m.length : ready;
      exclusive_or_bytes(m.in, stream + CHACHA_BLOCK, m.out, at);
      for (; m.length - at >= cipher::BATCH; at += cipher::BATCH) {
        cipher::exclusive_or_batch(input, m.in + at, m.out + at);
      }
      if (at == m.length) return;
      while (m.length - at > 0) {
        alignas(64) uint8_t last[cipher::BATCH > Few::BYTES ? cipher::BATCH : Few::BYTES];
        const size_t left = m.length - at;
        size_t made = Few::BYTES;
        if (left <= Few::BYTES) {
          Few::key_stream(input, last);
        } else {
          cipher::key_stream(input, last);
          made = cipher::BATCH;
        }
        const size_t taken = left < made ? left : made;
        exclusive_or_bytes(m.in + at, last, m.out + at, taken);
        wipe(last, sizeof last);
        at += taken;
      }
    }
  };

  static void authenticate(const uint8_t* one_time_key, const message& m, const uint8_t* ciphertext, uint8_t* tag) {
    poly1305 poly(one_time_key);
    poly.padded(m.aad, m.aad_length);
    const size_t taken = Authenticator::middle(poly, ciphertext, m.length);
    poly.padded(ciphertext + taken, m.length - taken);
    poly.block(m.aad_length, m.length);
    poly.finish(tag);
  }
};

struct scalar_authenticator {
  XPS_INLINE static size_t middle(poly1305&, const uint8_t*, size_t) { return 0; }
};

// All of a batch, when nothing cheaper is known for short messages.
template <class V>
struct whole_batch {
  static constexpr size_t BYTES = chacha20<V>::BATCH;
  XPS_INLINE static void key_stream(chacha_input& input, uint8_t* stream) { chacha20<V>::key_stream(input, stream); }
};

// Four blocks with the rows of the state in vectors (V: V::rows blocks side by side in one vector): less work than a
// batch, for short messages and ends.
template <class V>
struct four_blocks {
  using reg = typename V::reg;
  static constexpr size_t BYTES = 4 * CHACHA_BLOCK;
  static constexpr int SETS = 4 / V::row_blocks;

  XPS_INLINE static void key_stream(chacha_input& input, uint8_t* stream) {
    reg start[SETS][4], x[SETS][4];
#pragma GCC unroll 4
    for (int s = 0; s < SETS; s++) {
#pragma GCC unroll 4
      for (int row = 0; row < 4; row++) start[s][row] = V::broadcast_row(input.words + 4 * row);
      start[s][3] = V::add(start[s][3], V::row_numbers(s * V::row_blocks));
#pragma GCC unroll 4
      for (int row = 0; row < 4; row++) x[s][row] = start[s][row];
    }
#pragma GCC unroll 1
    for (int round = 0; round < 20; round += 2) {
#pragma GCC unroll 4
      for (int s = 0; s < SETS; s++) quarter_round<V>(x[s][0], x[s][1], x[s][2], x[s][3]);
#pragma GCC unroll 4
      for (int s = 0; s < SETS; s++) {  // diagonals become columns
        x[s][1] = V::template rotate_row<1>(x[s][1]);
        x[s][2] = V::template rotate_row<2>(x[s][2]);
        x[s][3] = V::template rotate_row<3>(x[s][3]);
      }
#pragma GCC unroll 4
      for (int s = 0; s < SETS; s++) quarter_round<V>(x[s][0], x[s][1], x[s][2], x[s][3]);
#pragma GCC unroll 4
      for (int s = 0; s < SETS; s++) {
        x[s][1] = V::template rotate_row<3>(x[s][1]);
        x[s][2] = V::template rotate_row<2>(x[s][2]);
        x[s][3] = V::template rotate_row<1>(x[s][3]);
      }
    }
#pragma GCC unroll 4
    for (int s = 0; s < SETS; s++) {
#pragma GCC unroll 4
      for (int row = 0; row < 4; row++) {
        V::store_row(V::add(x[s][row], start[s][row]), stream + s * V::row_blocks * CHACHA_BLOCK + 16 * row);
      }
    }
    input.words[12] += 4;
  }
};

}  // namespace
}  // namespace xps
