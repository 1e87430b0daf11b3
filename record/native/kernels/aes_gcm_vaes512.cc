#include "aes_gcm_x86.h"

namespace xps {

using vaes512 = aes_gcm<x86_128, x86_512, 8>;

const kernel AES_GCM_VAES512 = {"aes-256-gcm/vaes-512",
                                operation::aes_256_gcm,
                                isa::AESNI | isa::PCLMUL | isa::AVX2 | isa::VAES | isa::AVX512,
                                512,
                                true,
                                vaes512::prepare,
                                vaes512::seal,
                                vaes512::open};

}  // namespace xps
