// AES-256-GCM in plain C++: bitsliced AES, and GHASH by integer multiplications with gaps between the bits.
// Constant time wherever the processor multiplies integers in constant time, which 64-bit processors do.
#include "aes_bitsliced.h"
#include "aes_gcm.h"

namespace xps {
namespace {

struct number128 {
  uint64_t low, high;
};

XPS_INLINE number128 load_number(const uint8_t* p) { return {load64_le(p), load64_le(p + 8)}; }

XPS_INLINE void store_number(uint8_t* p, number128 x) {
  store64_le(p, x.low);
  store64_le(p + 8, x.high);
}

XPS_INLINE number128 load_reversed(const uint8_t* p) {
  return {__builtin_bswap64(load64_le(p + 8)), __builtin_bswap64(load64_le(p))};
}

XPS_INLINE number128 add(number128 a, number128 b) { return {a.low ^ b.low, a.high ^ b.high}; }

// Carry-less product. Every fourth bit is kept, so that up to 8 ones add up in 4 bits without reaching the next kept bit.
XPS_INLINE uint64_t multiply32(uint32_t a, uint32_t b) {
  uint64_t x[4], y[4], product = 0;
  for (int i = 0; i < 4; i++) {
    x[i] = a & (0x11111111u << i);
    y[i] = b & (0x11111111u << i);
  }
  for (int k = 0; k < 4; k++) {
    uint64_t sum = 0;
    for (int i = 0; i < 4; i++) sum ^= x[i] * y[(k - i) & 3];
    product |= sum & (0x1111111111111111ull << k);
  }
  return product;
}

XPS_INLINE number128 multiply64(uint64_t a, uint64_t b) {
  const uint32_t a0 = static_cast<uint32_t>(a), a1 = static_cast<uint32_t>(a >> 32);
  const uint32_t b0 = static_cast<uint32_t>(b), b1 = static_cast<uint32_t>(b >> 32);
  const uint64_t low = multiply32(a0, b0), high = multiply32(a1, b1);
  const uint64_t middle = multiply32(a0 ^ a1, b0 ^ b1) ^ low ^ high;
  return {low ^ (middle << 32), high ^ (middle >> 32)};
}

// x · 0xc2 · 2^56 for a 64-bit x: the top byte of the polynomial, as shifts.
XPS_INLINE number128 multiply_polynomial(uint64_t x) {
  return {(x << 63) ^ (x << 62) ^ (x << 57), (x >> 1) ^ (x >> 2) ^ (x >> 7)};
}

XPS_INLINE number128 dot(number128 a, number128 b) {
  const number128 low = multiply64(a.low, b.low), high = multiply64(a.high, b.high);
  number128 middle = multiply64(a.low ^ a.high, b.low ^ b.high);
  middle = add(middle, add(low, high));
  uint64_t x0 = low.low, x1 = low.high ^ middle.low, x2 = high.low ^ middle.high, x3 = high.high;
  number128 folded = multiply_polynomial(x0);  // the same reduction as in aes_gcm.h
  x1 ^= folded.low;
  x0 ^= folded.high;
  folded = multiply_polynomial(x1);
  return {x2 ^ x0 ^ folded.low, x3 ^ x1 ^ folded.high};
}

XPS_INLINE number128 hash_bytes(number128 hash, number128 h, const uint8_t* bytes, size_t length) {
  for (; length >= 16; bytes += 16, length -= 16) hash = dot(add(hash, load_reversed(bytes)), h);
  if (length > 0) {
    uint8_t block[16] = {};
    memcpy(block, bytes, length);
    hash = dot(add(hash, load_reversed(block)), h);
    wipe(block, sizeof block);
  }
  return hash;
}

void prepare(key_state& state, const uint8_t* key) {
  aes_gcm_key& gcm = state.gcm;
  expand_aes256_key(gcm.round_keys, key, [](uint32_t word) {
    alignas(16) uint8_t bytes[SLICED_BYTES] = {};
    memcpy(bytes, &word, 4);
    planes x = slice(bytes);
    substitute(x);
    unslice(bytes, x);
    memcpy(&word, bytes, 4);
    wipe(bytes, sizeof bytes);
    return word;
  });
  sliced_round_keys keys;
  slice_round_keys(keys, gcm.round_keys);
  alignas(16) uint8_t blocks[SLICED_BYTES] = {};
  encrypt_sliced(keys, blocks);
  const number128 reversed = load_reversed(blocks);
  const uint64_t carry = 0 - (reversed.high >> 63);
  const number128 h = {(reversed.low << 1) ^ (carry & 1),
                       ((reversed.high << 1) | (reversed.low >> 63)) ^ (carry & 0xc200000000000000ull)};
  number128 power = h;
  memset(gcm.zeros, 0, sizeof gcm.zeros);
  for (size_t i = GCM_POWERS; i-- > 0;) {
    store_number(gcm.powers[i], power);
    power = dot(power, h);
  }
  wipe(&keys, sizeof keys);
  wipe(blocks, sizeof blocks);
}

// What sealing and opening share: the key stream, and the tag of a ciphertext.
class run {
 public:
  run(const key_state& state, const message& m) : h_(load_number(state.gcm.powers[GCM_POWERS - 1])), message_(m) {
    slice_round_keys(keys_, state.gcm.round_keys);
    counter_ = __builtin_bswap32(load32_le(m.start + 12));
  }

  ~run() {
    wipe(&keys_, sizeof keys_);
    wipe(stream_, sizeof stream_);
  }

  run(const run&) = delete;
  run& operator=(const run&) = delete;

  // The first block of the first batch masks the tag.
  void encrypt() {
    fill_stream();
    memcpy(tag_mask_, stream_, 16);
    size_t used = 16;
    for (size_t at = 0; at < message_.length;) {
      const size_t left = message_.length - at, fresh = SLICED_BYTES - used, taken = left < fresh ? left : fresh;
      for (size_t i = 0; i < taken; i++) message_.out[at + i] = message_.in[at + i] ^ stream_[used + i];
      at += taken;
      used = 0;
      if (at < message_.length) fill_stream();
    }
  }

  void tag_of(const uint8_t* ciphertext, uint8_t* tag) {
    number128 hash = hash_bytes({0, 0}, h_, message_.aad, message_.aad_length);
    hash = hash_bytes(hash, h_, ciphertext, message_.length);
    hash = dot(add(hash, {message_.length * 8, message_.aad_length * 8}), h_);
    store64_le(tag, __builtin_bswap64(hash.high) ^ load64_le(tag_mask_));
    store64_le(tag + 8, __builtin_bswap64(hash.low) ^ load64_le(tag_mask_ + 8));
  }

  void only_tag_mask() {
    fill_stream();
    memcpy(tag_mask_, stream_, 16);
    counter_ -= SLICED_BLOCKS;
  }

 private:
  void fill_stream() {
    for (size_t b = 0; b < SLICED_BLOCKS; b++) {
      memcpy(stream_ + 16 * b, message_.start, 12);
      store32_le(stream_ + 16 * b + 12, __builtin_bswap32(counter_++));
    }
    encrypt_sliced(keys_, stream_);
  }

  sliced_round_keys keys_;
  const number128 h_;
  const message& message_;
  uint32_t counter_;
  alignas(16) uint8_t stream_[SLICED_BYTES];
  uint8_t tag_mask_[16];
};

void seal(const key_state& state, const message& m, uint8_t* tag) {
  run r(state, m);
  r.encrypt();
  r.tag_of(m.out, tag);
}

bool open(const key_state& state, const message& m, const uint8_t* tag) {
  run r(state, m);
  uint8_t computed[TAG_BYTES];
  r.only_tag_mask();
  r.tag_of(m.in, computed);
  const bool authentic = equal_tags(computed, tag);
  wipe(computed, sizeof computed);
  if (authentic) {
    r.encrypt();
  } else {
    wipe(m.out, m.length);
  }
  return authentic;
}

}  // namespace

const kernel AES_GCM_PORTABLE = {
    "aes-256-gcm/portable", operation::aes_256_gcm, 0, 0, true, prepare, seal, open};

}  // namespace xps
