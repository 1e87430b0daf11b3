#include "aes_gcm_x86.h"

namespace xps {

using aesni = aes_gcm<x86_128_alone, x86_128_alone, 8>;

const kernel AES_GCM_AESNI = {
    "aes-256-gcm/aesni-128", operation::aes_256_gcm, isa::AESNI | isa::PCLMUL, 128, true,
    aesni::prepare,          aesni::seal,            aesni::open};

}  // namespace xps
