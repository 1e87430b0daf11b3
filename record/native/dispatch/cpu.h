// What this processor and its operating system can do, as isa:: bits of kernels/kernel.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace xps {

// Instruction sets that may be executed: the processor has them and the operating system saves their registers.
uint32_t cpu_isa() noexcept;

// Whether using 512-bit registers slows down everything else that runs on the core: then they have to win clearly.
bool wide_vectors_cost_clock() noexcept;

struct isa_name {
  std::string_view name;
  uint32_t bit;
};

// Names as in XPS_SIMD_ISA_MASK, in the order of their bits.
inline constexpr size_t ISA_COUNT = 8;
extern const isa_name ISA_NAMES[ISA_COUNT];

// XPS_SIMD_ISA_MASK: names joined by commas (plus signs and bars too), in any case; `all`; `none`. Nothing for an unknown
// name or an empty list: a misspelt mask must not permit or forbid anything by accident.
std::optional<uint32_t> parse_isa_mask(std::string_view text) noexcept;

}  // namespace xps
