#include "cpu.h"

#include "../kernels/kernel.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace xps {

const isa_name ISA_NAMES[ISA_COUNT] = {
    {"aesni", isa::AESNI}, {"pclmul", isa::PCLMUL},         {"avx2", isa::AVX2}, {"vaes", isa::VAES},
    {"avx512", isa::AVX512}, {"avx512ifma", isa::AVX512IFMA}, {"neon", isa::NEON}, {"armaes", isa::ARMAES}};

#if defined(__x86_64__)

namespace {

struct leaf {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
  leaf(uint32_t number, uint32_t sub) { __get_cpuid_count(number, sub, &eax, &ebx, &ecx, &edx); }
};

constexpr bool has_all(uint32_t value, std::initializer_list<int> bits) {
  for (const int bit : bits) {
    if ((value >> bit & 1) == 0) return false;
  }
  return true;
}

// XCR0: which registers the operating system saves. Without it AVX would silently lose state at a context switch.
uint64_t saved_registers() {
  uint32_t low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<uint64_t>(high) << 32 | low;
}

}  // namespace

uint32_t cpu_isa() noexcept {
  const leaf basic(1, 0), extended(7, 0);
  constexpr int PCLMULQDQ = 1, SSSE3 = 9, SSE41 = 19, AES = 25, OSXSAVE = 27, AVX = 28;  // leaf 1, ecx
  uint32_t found = 0;
  if (has_all(basic.ecx, {AES, SSSE3, SSE41})) found |= isa::AESNI;
  if (has_all(basic.ecx, {PCLMULQDQ, SSSE3, SSE41})) found |= isa::PCLMUL;
  if (!has_all(basic.ecx, {OSXSAVE, AVX})) return found;
  const uint64_t saved = saved_registers();
  if ((saved & 0x06) != 0x06) return found;  // XMM, YMM
  constexpr int AVX2 = 5, BMI2 = 8, AVX512F = 16, AVX512DQ = 17, IFMA = 21, AVX512BW = 30, AVX512VL = 31;  // leaf 7, ebx
  constexpr int VAES = 9, VPCLMULQDQ = 10;                                                                 // leaf 7, ecx
  if (has_all(extended.ebx, {AVX2, BMI2})) found |= isa::AVX2;
  if (has_all(extended.ecx, {VAES, VPCLMULQDQ})) found |= isa::VAES;
  if ((saved & 0xe6) != 0xe6) return found;  // and mask registers, both parts of ZMM
  if (has_all(extended.ebx, {AVX512F, AVX512DQ, AVX512BW, AVX512VL})) found |= isa::AVX512;
  if (has_all(extended.ebx, {AVX512F, IFMA})) found |= isa::AVX512IFMA;
  return found;
}

// Intel before Sapphire Rapids: family 6, models of Skylake-X to Rocket Lake lower the clock for 512-bit work.
bool wide_vectors_cost_clock() noexcept {
  const leaf vendor(0, 0);
  constexpr uint32_t GENU = 0x756e6547;
  if (vendor.ebx != GENU) return false;
  const uint32_t signature = leaf(1, 0).eax;
  const uint32_t family = signature >> 8 & 0xf, model = (signature >> 4 & 0xf) | (signature >> 12 & 0xf0);
  if (family != 6) return false;
  switch (model) {
    case 0x55:  // Skylake-X, Cascade Lake, Cooper Lake
    case 0x66:  // Cannon Lake
    case 0x6a:  // Ice Lake server
    case 0x6c:
    case 0x7d:  // Ice Lake client
    case 0x7e:
    case 0x8c:  // Tiger Lake
    case 0x8d:
    case 0xa7:  // Rocket Lake
      return true;
    default: return false;
  }
}

#elif defined(__aarch64__)

uint32_t cpu_isa() noexcept {
  const unsigned long capabilities = getauxval(AT_HWCAP);
  uint32_t found = isa::NEON;  // part of the base architecture
  if ((capabilities & HWCAP_AES) != 0 && (capabilities & HWCAP_PMULL) != 0) found |= isa::ARMAES;
  return found;
}

bool wide_vectors_cost_clock() noexcept { return false; }

#else

uint32_t cpu_isa() noexcept { return 0; }

bool wide_vectors_cost_clock() noexcept { return false; }

#endif

namespace {

bool is_same_name(std::string_view text, std::string_view lower_case) {
  if (text.size() != lower_case.size()) return false;
  for (size_t i = 0; i < text.size(); i++) {
    const char c = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] + 32) : text[i];
    if (c != lower_case[i]) return false;
  }
  return true;
}

std::optional<uint32_t> bits_of(std::string_view name) {
  if (is_same_name(name, "all")) return ~0u;
  if (is_same_name(name, "none")) return 0u;
  for (const isa_name& known : ISA_NAMES) {
    if (is_same_name(name, known.name)) return known.bit;
  }
  return std::nullopt;
}

}  // namespace

std::optional<uint32_t> parse_isa_mask(std::string_view text) noexcept {
  uint32_t mask = 0;
  while (true) {
    const size_t end = text.find_first_of(",+|");
    const std::optional<uint32_t> bits = bits_of(text.substr(0, end));
    if (!bits) return std::nullopt;
    mask |= *bits;
    if (end == std::string_view::npos) return mask;
    text.remove_prefix(end + 1);
  }
}

}  // namespace xps
