// Which kernel works on a message of which length. Decided once, at the first use: of all kernels, those that the
// processor and XPS_SIMD_ISA_MASK permit (survivors), of those the ones that give known answers, of those the fastest in
// each size bucket. The result is published as one pointer: using it costs an atomic load and an indirect call.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "../kernels/kernel.h"
#include "cpu.h"

namespace xps {

inline constexpr size_t MAX_KERNELS = 9;

// Upper bounds in bytes: a message belongs to the first bucket that holds it, and longer ones to the last.
inline constexpr size_t BUCKETS[] = {64, 256, 1024, 4096, 16384, 65536};
inline constexpr size_t BUCKET_COUNT = std::size(BUCKETS);

constexpr size_t bucket_of(size_t length) {
  const int bits = length == 0 ? 0 : std::bit_width(length - 1);
  const int index = bits <= 6 ? 0 : (bits - 5) / 2;
  return index < static_cast<int>(BUCKET_COUNT) ? static_cast<size_t>(index) : BUCKET_COUNT - 1;
}

enum class verdict : uint8_t {
  unused,          // not compiled for this machine
  lacks_isa,       // the processor or the operating system has not all it requires
  masked,          // XPS_SIMD_ISA_MASK does not allow it
  failed_answers,  // a known answer came out wrong: never used
  usable,
};

// What became of one kernel.
struct trial {
  const kernel* tried = nullptr;
  verdict outcome = verdict::unused;
  float nanoseconds[BUCKET_COUNT] = {};  // of one sealed message of the bucket's greatest length
};

struct dispatch_table {
  const kernel* winners[OPERATION_COUNT][BUCKET_COUNT] = {};
  trial trials[MAX_KERNELS] = {};
  size_t trial_count = 0;

  // nullptr only when no kernel of the operation gives right answers.
  const kernel* winner(operation wanted, size_t length) const {
    return winners[static_cast<size_t>(wanted)][bucket_of(length)];
  }
};

extern std::atomic<const dispatch_table*> current_dispatch;

// nullptr before the first use.
inline const dispatch_table* published_dispatch() { return current_dispatch.load(std::memory_order_acquire); }

// Decides at the first call (some milliseconds), with every instruction set that `restrict_isa` left.
const dispatch_table& dispatch() noexcept;

// The instruction sets that may be used, from now on. Only before the first use: false afterwards, unless nothing changes.
bool restrict_isa(uint32_t allowed) noexcept;
uint32_t allowed_isa() noexcept;

// By its full name, among those that passed everything; nullptr otherwise: whoever forces a kernel gets that one or none.
const kernel* usable_kernel(std::string_view name) noexcept;

// Every kernel that was compiled into this binary, in the order of preference.
std::span<const kernel* const> compiled_kernels() noexcept;

}  // namespace xps
