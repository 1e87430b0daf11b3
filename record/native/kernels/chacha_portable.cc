#include "chacha_generic.h"
#include "hchacha20.h"

namespace xps {
namespace {

struct one_word {
  using reg = uint32_t;
  XPS_INLINE static reg add(reg a, reg b) { return a + b; }
  XPS_INLINE static reg exclusive_or(reg a, reg b) { return a ^ b; }
  template <int N>
  XPS_INLINE static reg rotate(reg x) {
    return (x << N) | (x >> (32 - N));
  }
};

}  // namespace

void hchacha20(const uint8_t* key, const uint8_t* nonce, uint8_t* subkey) {
  chacha_input input(key, nonce);
  uint32_t* x = input.words;
  for (int round = 0; round < 20; round += 2) {
    for (int i = 0; i < 4; i++) quarter_round<one_word>(x[i], x[4 + i], x[8 + i], x[12 + i]);
    for (int i = 0; i < 4; i++) {
      quarter_round<one_word>(x[i], x[4 + (i + 1) % 4], x[8 + (i + 2) % 4], x[12 + (i + 3) % 4]);
    }
  }
  for (int i = 0; i < 4; i++) {
    store32_le(subkey + 4 * i, x[i]);
    store32_le(subkey + 16 + 4 * i, x[12 + i]);
  }
}

const kernel CHACHA20_POLY1305_PORTABLE = {"chacha20-poly1305/portable",
                                           operation::chacha20_poly1305,
                                           0,
                                           0,
                                           true,
                                           generic_chacha20_poly1305::prepare,
                                           generic_chacha20_poly1305::seal,
                                           generic_chacha20_poly1305::open};

}  // namespace xps
