// AES-256-GCM over a vector of 128-bit lanes, one source for 128, 256 and 512 bits and for NEON.
//
// The path of a message: AAD → chunks of FLIGHT vectors, in which the rounds of AES are interleaved with GHASH of
// other bytes (sealing: the chunk before; opening: the same chunk) → the rest, up to FLIGHT vectors, with the length
// block, in one aggregated reduction → tag.
//
// GHASH is computed as POLYVAL on byte-reversed blocks (RFC 8452 appendix A): no bit has to be reversed, and the
// powers of H are plain numbers which every kernel shares.
#pragma once

#include "common.h"
#include "kernel.h"

namespace xps {
namespace {

// Public zero bytes behind ones: a window over it keeps the first n bytes of a vector.
alignas(64) constexpr uint8_t KEEP_MASK[128] = {
    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};

constexpr int ROUNDS = 14;

// A 256-bit product. With V::three_products, `middle` still holds low and high as well (Karatsuba): a multiplication less
// for two shuffles more, which pays where carry-less multiplication has one port and handles one block at a time.
template <class V>
struct product {
  typename V::reg low, middle, high;
};

template <class V>
XPS_INLINE typename V::reg add_halves(typename V::reg x) {
  return V::exclusive_or(x, V::swap_halves(x));
}

template <class V>
XPS_INLINE product<V> multiply(typename V::reg a, typename V::reg b) {
  const auto low = V::template multiply<0x00>(a, b), high = V::template multiply<0x11>(a, b);
  if constexpr (V::three_products) {
    return {low, V::template multiply<0x00>(add_halves<V>(a), add_halves<V>(b)), high};
  } else {
    return {low, V::exclusive_or(V::template multiply<0x01>(a, b), V::template multiply<0x10>(a, b)), high};
  }
}

template <class V>
XPS_INLINE void multiply_add(product<V>& sum, typename V::reg a, typename V::reg b) {
  sum.low = V::exclusive_or(sum.low, V::template multiply<0x00>(a, b));
  if constexpr (V::three_products) {
    sum.middle = V::exclusive_or(sum.middle, V::template multiply<0x00>(add_halves<V>(a), add_halves<V>(b)));
  } else {
    sum.middle = V::exclusive_or(sum.middle, V::template multiply<0x01>(a, b), V::template multiply<0x10>(a, b));
  }
  sum.high = V::exclusive_or(sum.high, V::template multiply<0x11>(a, b));
}

// Montgomery reduction of a 256-bit product modulo x^128 + x^127 + x^126 + x^121 + 1, in every lane: twice, 64 bits of
// the low end are cancelled by a multiple of the polynomial.
template <class V>
XPS_INLINE typename V::reg reduce(const product<V>& p) {
  const auto polynomial = V::broadcast64(0xc200000000000000ull);
  auto middle = p.middle;
  if constexpr (V::three_products) middle = V::exclusive_or(middle, p.low, p.high);
  auto low = V::exclusive_or(p.low, V::low_to_high(middle));
  const auto high = V::exclusive_or(p.high, V::high_to_low(middle));
  low = V::exclusive_or(V::swap_halves(low), V::template multiply<0x00>(low, polynomial));
  return V::exclusive_or(high, V::swap_halves(low), V::template multiply<0x00>(low, polynomial));
}

template <class One, class Wide, int FLIGHT>
struct aes_gcm {
  using reg1 = typename One::reg;
  using regw = typename Wide::reg;

  static constexpr size_t VECTOR = 16 * Wide::blocks;
  static constexpr size_t CHUNK = VECTOR * FLIGHT;
  static constexpr size_t CHUNK_BLOCKS = CHUNK / 16;
  static_assert(CHUNK_BLOCKS < GCM_POWERS && CHUNK_BLOCKS <= COUNTER_ALIGNMENT);
  static_assert(One::three_products == Wide::three_products, "their products are added");

  // The payload's counters begin at 2 modulo CHUNK_BLOCKS (message.start says so). Within a chunk they then differ from
  // a common prefix by an exclusive-or with one of these, and only the last two blocks belong to the next prefix.
  struct low_bits {
    alignas(64) uint8_t block[CHUNK_BLOCKS][16] = {};
    constexpr low_bits() {
      for (size_t b = 0; b < CHUNK_BLOCKS; b++) block[b][15] = static_cast<uint8_t>((2 + b) % CHUNK_BLOCKS);
    }
  };
  static constexpr low_bits COUNTER_LOW_BITS{};

  static void prepare(key_state& state, const uint8_t* key) {
    aes_gcm_key& gcm = state.gcm;
    One::expand_key(gcm.round_keys, key);
    // RFC 8452 appendix A: the POLYVAL key is mulX(ByteReverse(H)).
    reg1 h = One::double_number(One::byte_reverse(encrypt_block(gcm, One::zero())));
    reg1 power = h;
    memset(gcm.zeros, 0, sizeof gcm.zeros);
    for (size_t i = GCM_POWERS; i-- > 0;) {
      One::store(gcm.powers[i], power);
      power = reduce<One>(multiply<One>(power, h));
    }
  }

  static void seal(const key_state& state, const message& m, uint8_t* tag) {
    const aes_gcm_key& key = state.gcm;
    reg1 hash = hash_aad(key, m.aad, m.aad_length);
    regw prefix = first_prefix(m.start);
    size_t at = 0;
    if (m.length >= CHUNK) {
      hash = chunk<false>(key, prefix, m.in, m.out, nullptr, hash);
      for (at = CHUNK; m.length - at >= CHUNK; at += CHUNK) {
        hash = chunk<true>(key, prefix, m.in + at, m.out + at, m.out + at - CHUNK, hash);
      }
      hash = hash_chunk(key, m.out + at - CHUNK, hash);
    }
    One::store(tag, rest<true>(key, m, at, prefix, hash));
  }

  static bool open(const key_state& state, const message& m, const uint8_t* tag) {
    const aes_gcm_key& key = state.gcm;
    reg1 hash = hash_aad(key, m.aad, m.aad_length);
    regw prefix = first_prefix(m.start);
    size_t at = 0;
    for (; m.length - at >= CHUNK; at += CHUNK) {
      hash = chunk<true>(key, prefix, m.in + at, m.out + at, m.in + at, hash);
    }
    alignas(16) uint8_t computed[TAG_BYTES];
    One::store(computed, rest<false>(key, m, at, prefix, hash));
    const bool authentic = equal_tags(computed, tag);
    wipe(computed, sizeof computed);  // the right tag of a forged message is worth something to a forger
    if (!authentic) wipe(m.out, m.length);
    return authentic;
  }

 private:
  XPS_INLINE static reg1 encrypt_block(const aes_gcm_key& key, reg1 x) {
#pragma GCC unroll 15
    for (int r = 0; r <= ROUNDS; r++) x = One::step(r, x, One::load(key.round_keys[r]));
    return x;
  }

  // Counters are kept byte-reversed, so that the 32-bit counter is the lowest number of a lane and wraps by itself.
  XPS_INLINE static regw first_prefix(const uint8_t* start) {
    return Wide::add32(Wide::broadcast(One::byte_reverse(One::load(start))), Wide::add_blocks(-1));
  }

  // H^(blocks) … for the vector that begins `blocks` before the end of what is hashed in one go.
  XPS_INLINE static regw powers_from(const aes_gcm_key& key, size_t blocks) {
    return powers_at(key, (GCM_POWERS - blocks) * 16);
  }

  // Past the end of the table there are zeros.
  XPS_INLINE static regw powers_at(const aes_gcm_key& key, size_t offset) {
    return Wide::load(reinterpret_cast<const uint8_t*>(&key) + offsetof(aes_gcm_key, powers) + offset);
  }

  // Encrypts one chunk while hashing another. `hashed` may be `in` itself: it is read before `out` is written.
  template <bool HASHES>
  XPS_INLINE static reg1 chunk(const aes_gcm_key& key, regw& prefix, const uint8_t* in, uint8_t* out,
                               const uint8_t* hashed, reg1 hash) {
    regw x[FLIGHT];
    const regw first_key = Wide::broadcast_load(key.round_keys[0]);
    const regw here = Wide::step(0, Wide::byte_reverse(prefix), first_key);
    prefix = Wide::add32(prefix, Wide::add_blocks(CHUNK_BLOCKS));
    const regw next = Wide::step(0, Wide::byte_reverse(prefix), first_key);
#pragma GCC unroll 16
    for (int i = 0; i < FLIGHT; i++) {
      const size_t end = (i + 1) * Wide::blocks;
      const regw high_bits = end <= CHUNK_BLOCKS - 2 ? here : Wide::blocks > 2 ? Wide::low_half(here, next) : next;
      x[i] = Wide::exclusive_or(high_bits, Wide::load(COUNTER_LOW_BITS.block[i * Wide::blocks]));
    }
    product<Wide> sum;
    regw reduced;
#pragma GCC unroll 15
    for (int r = 1; r <= ROUNDS; r++) {
      const regw round_key = Wide::broadcast_load(key.round_keys[r]);
#pragma GCC unroll 16
      for (int i = 0; i < FLIGHT; i++) x[i] = Wide::step(r, x[i], round_key);
      if constexpr (HASHES) {
        if (r <= FLIGHT) {
          regw block = Wide::byte_reverse(Wide::load(hashed + (r - 1) * VECTOR));
          const regw power = powers_from(key, CHUNK_BLOCKS - (r - 1) * Wide::blocks);
          if (r == 1) {
            sum = multiply<Wide>(Wide::exclusive_or(block, Wide::widen(hash)), power);
          } else {
            multiply_add<Wide>(sum, block, power);
          }
          Wide::keep_order(sum.low, sum.middle, sum.high);
        }
        if (r == FLIGHT + 2) reduced = reduce<Wide>(sum);
        if (r == FLIGHT + 4) hash = Wide::fold(reduced);
      }
    }
#pragma GCC unroll 16
    for (int i = 0; i < FLIGHT; i++) {
      Wide::store(out + i * VECTOR, Wide::exclusive_or(x[i], Wide::load(in + i * VECTOR)));
    }
    return hash;
  }

  XPS_INLINE static reg1 hash_chunk(const aes_gcm_key& key, const uint8_t* hashed, reg1 hash) {
    product<Wide> sum = multiply<Wide>(
        Wide::exclusive_or(Wide::byte_reverse(Wide::load(hashed)), Wide::widen(hash)), powers_from(key, CHUNK_BLOCKS));
#pragma GCC unroll 16
    for (int i = 1; i < FLIGHT; i++) {
      multiply_add<Wide>(sum, Wide::byte_reverse(Wide::load(hashed + i * VECTOR)),
                         powers_from(key, CHUNK_BLOCKS - i * Wide::blocks));
    }
    return Wide::fold(reduce<Wide>(sum));
  }

  XPS_INLINE static reg1 hash_aad(const aes_gcm_key& key, const uint8_t* aad, size_t length) {
    reg1 hash = One::zero();
    for (; length >= CHUNK; aad += CHUNK, length -= CHUNK) hash = hash_chunk(key, aad, hash);
    const reg1 h = One::load(key.powers[GCM_POWERS - 1]);
    for (; length > 0;) {
      const size_t taken = length < 16 ? length : 16;
      const reg1 block = One::byte_reverse(taken < 16 ? One::load_some(aad, taken) : One::load(aad));
      hash = reduce<One>(multiply<One>(One::exclusive_or(hash, block), h));
      aad += taken;
      length -= taken;
    }
    return hash;
  }

  template <bool SEALS>
  XPS_INLINE static reg1 rest(const aes_gcm_key& key, const message& m, size_t at, regw prefix, reg1 hash) {
    const regw counter = Wide::add32(prefix, Wide::lane_numbers(2));
    const size_t vectors = (m.length - at + VECTOR - 1) / VECTOR;
    switch (vectors) {
      case 0: return rest_of<SEALS, 0>(key, m, at, counter, hash);
      case 1: return rest_of<SEALS, 1>(key, m, at, counter, hash);
      case 2: return rest_of<SEALS, 2>(key, m, at, counter, hash);
      case 3: return rest_of<SEALS, 3>(key, m, at, counter, hash);
      case 4: return rest_of<SEALS, 4>(key, m, at, counter, hash);
      case 5: return rest_of<SEALS, 5>(key, m, at, counter, hash);
      case 6: return rest_of<SEALS, 6>(key, m, at, counter, hash);
      case 7: return rest_of<SEALS, 7>(key, m, at, counter, hash);
      default: return rest_of<SEALS, 8>(key, m, at, counter, hash);
    }
    static_assert(FLIGHT == 8, "one case for every number of vectors");
  }

  // The last bytes of the payload (N vectors, the last of them perhaps in part), the length block and the tag.
  template <bool SEALS, int N>
  static reg1 rest_of(const aes_gcm_key& key, const message& m, size_t at, regw counter, reg1 hash) {
    const uint8_t* in = m.in + at;
    uint8_t* out = m.out + at;
    const size_t left = m.length - at;
    const size_t in_last = N == 0 ? 0 : left - (N - 1) * VECTOR;
    const size_t blocks = (left + 15) / 16;

    regw x[N + 1];
    const regw advance = Wide::add_blocks(Wide::blocks);
    reg1 mask = One::step(0, One::load(m.start), One::load(key.round_keys[0]));
#pragma GCC unroll 16
    for (int i = 0; i < N; i++) {
      x[i] = Wide::step(0, Wide::byte_reverse(counter), Wide::broadcast_load(key.round_keys[0]));
      counter = Wide::add32(counter, advance);
    }
#pragma GCC unroll 15
    for (int r = 1; r <= ROUNDS; r++) {
      mask = One::step(r, mask, One::load(key.round_keys[r]));
#pragma GCC unroll 16
      for (int i = 0; i < N; i++) x[i] = Wide::step(r, x[i], Wide::broadcast_load(key.round_keys[r]));
    }

    const uint64_t bits[2] = {m.length * 8, m.aad_length * 8};  // byte-reversed already
    reg1 length_block = One::load(reinterpret_cast<const uint8_t*>(bits));
    if constexpr (N == 0) length_block = One::exclusive_or(length_block, hash);
    product<One> total = multiply<One>(length_block, One::load(key.powers[GCM_POWERS - 1]));
    if constexpr (N > 0) {
      product<Wide> sum;
#pragma GCC unroll 16
      for (int i = 0; i < N; i++) {
        const bool is_last = i == N - 1;
        const regw input = is_last ? Wide::load_some(in + i * VECTOR, in_last) : Wide::load(in + i * VECTOR);
        regw output = Wide::exclusive_or(x[i], input);
        if (is_last) {
          output = Wide::keep(output, in_last);
          Wide::store_some(out + i * VECTOR, output, in_last);
        } else {
          Wide::store(out + i * VECTOR, output);
        }
        regw block = Wide::byte_reverse(SEALS ? output : input);
        // One power more than blocks: the length block comes last.
        const regw power = powers_at(key, (GCM_POWERS - 1 - blocks) * 16 + i * VECTOR);
        if (i == 0) {
          sum = multiply<Wide>(Wide::exclusive_or(block, Wide::widen(hash)), power);
        } else {
          multiply_add<Wide>(sum, block, power);
        }
      }
      total.low = One::exclusive_or(total.low, Wide::fold(sum.low));
      total.middle = One::exclusive_or(total.middle, Wide::fold(sum.middle));
      total.high = One::exclusive_or(total.high, Wide::fold(sum.high));
    }
    return One::exclusive_or(One::byte_reverse(reduce<One>(total)), mask);
  }
};

// FIPS 197 §5.2 for 256-bit keys. `substitute` applies the S-box to four bytes without a table.
template <class Substitute>
XPS_INLINE void expand_aes256_key(uint8_t round_keys[15][16], const uint8_t* key, Substitute substitute) {
  uint32_t words[60];
  memcpy(words, key, KEY_BYTES);
  uint32_t round_constant = 1;
  for (int i = 8; i < 60; i++) {
    uint32_t word = words[i - 1];
    if (i % 8 == 0) {
      word = substitute(word);
      word = ((word >> 8) | (word << 24)) ^ round_constant;
      round_constant <<= 1;
    } else if (i % 8 == 4) {
      word = substitute(word);
    }
    words[i] = words[i - 8] ^ word;
  }
  memcpy(round_keys, words, sizeof words);
  wipe(words, sizeof words);
}

}  // namespace
}  // namespace xps
