#include "record_cipher.h"

#include <cstring>

#include "dispatch/dispatch.h"
#include "kernels/hchacha20.h"

namespace xps {
namespace {

// The message's start block, and for XChaCha20 the subkey that takes the key's place.
class started {
 public:
  started(aead algorithm, const key_state& state, const uint8_t* nonce) {
    switch (algorithm) {
      case aead::aes_256_gcm:
        memcpy(start, nonce, 12);
        memcpy(start + 12, "\0\0\0\1", 4);
        break;
      case aead::chacha20_poly1305:
        memset(start, 0, 4);
        memcpy(start + 4, nonce, 12);
        break;
      case aead::xchacha20_poly1305:  // draft-irtf-cfrg-xchacha §2.3
        hchacha20(state.chacha.key, nonce, subkey_.chacha.key);
        is_derived_ = true;
        memset(start, 0, 8);
        memcpy(start + 8, nonce + 16, 8);
        break;
    }
  }

  ~started() {
    if (is_derived_) explicit_bzero(subkey_.chacha.key, sizeof subkey_.chacha.key);
  }

  started(const started&) = delete;
  started& operator=(const started&) = delete;

  const key_state& state(const key_state& original) const { return is_derived_ ? subkey_ : original; }

  start_block start;

 private:
  key_state subkey_;  // only written, and wiped, for XChaCha20
  bool is_derived_ = false;
};

}  // namespace

record_cipher record_cipher::create(aead algorithm, const uint8_t* key, const kernel* forced) noexcept {
  record_cipher made;
  const operation needed = operation_of(algorithm);
  if (forced != nullptr && forced->does != needed) return made;
  const dispatch_table& table = dispatch();
  const kernel* preparing = forced != nullptr ? forced : table.winner(needed, 0);
  if (preparing == nullptr) return made;
  made.state_ = locked<key_state>::make();
  if (!made.state_) return made;
  made.algorithm_ = algorithm;
  made.forced_ = forced;
  preparing->prepare(*made.state_, key);
  return made;
}

const kernel& record_cipher::kernel_for(size_t length) const noexcept {
  return forced_ != nullptr ? *forced_ : *published_dispatch()->winner(operation_of(algorithm_), length);
}

void record_cipher::seal(const uint8_t* nonce, std::span<const uint8_t> aad, const uint8_t* in, size_t length,
                         uint8_t* out, uint8_t* tag) const noexcept {
  const started begun(algorithm_, *state_, nonce);
  const message m{begun.start, aad.data(), aad.size(), in, length, out};
  kernel_for(length).seal(begun.state(*state_), m, tag);
}

bool record_cipher::open(const uint8_t* nonce, std::span<const uint8_t> aad, const uint8_t* in, size_t length,
                         const uint8_t* tag, uint8_t* out) const noexcept {
  const started begun(algorithm_, *state_, nonce);
  const message m{begun.start, aad.data(), aad.size(), in, length, out};
  return kernel_for(length).open(begun.state(*state_), m, tag);
}

}  // namespace xps
