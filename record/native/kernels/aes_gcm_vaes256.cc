#include "aes_gcm_x86.h"

namespace xps {

using vaes256 = aes_gcm<x86_128, x86_256, 8>;

const kernel AES_GCM_VAES256 = {"aes-256-gcm/vaes-256",
                                operation::aes_256_gcm,
                                isa::AESNI | isa::PCLMUL | isa::AVX2 | isa::VAES,
                                256,
                                true,
                                vaes256::prepare,
                                vaes256::seal,
                                vaes256::open};

}  // namespace xps
