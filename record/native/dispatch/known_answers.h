// Known answers for one kernel: tags that OpenSSL gave for patterned keys and messages whose lengths reach every path
// through a kernel. A tag covers the whole ciphertext, so a wrong byte anywhere shows.
#pragma once

#include "../kernels/kernel.h"

namespace xps {

// Seals, opens, and refuses forgeries with the output wiped. Takes well under a millisecond for each kernel.
bool gives_known_answers(const kernel& tested) noexcept;

// draft-irtf-cfrg-xchacha §2.2.1.
bool hchacha20_gives_known_answer() noexcept;

}  // namespace xps
