#pragma once

#include <cstdint>

namespace xps {

// draft-irtf-cfrg-xchacha §2.2: the key of an XChaCha20-Poly1305 message from the key (32 bytes) and the first 16 bytes
// of its nonce. Constant time.
void hchacha20(const uint8_t* key, const uint8_t* nonce, uint8_t* subkey);

}  // namespace xps
