// Slots of 64-bit numbers that an I/O thread stores and JavaScript reads: no call, no lock. sidecar/plane/counter-slots.ts has the
// same order.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace xps::plane {

inline constexpr size_t COUNTERS_PER_SLOT = 16;
inline constexpr size_t SLOTS_PER_SLAB = 256;

enum class channel_counter : size_t {
  is_idle,  // 1: no stream is open
  send_epoch,
  sent_records,  // under the present key
  sent_bytes,
  receive_epoch,
  received_records,  // under the present key
  received_bytes,
  streams,  // opened so far
  stream_bytes_sent,
  stream_bytes_received,
  changes,  // grows with every byte and stream: nothing happened while it stands still
};

enum class route_counter : size_t {
  open,  // application connections now
  opened,
  refused,  // over the limit, or nobody to carry them
  unreachable,
  ended_in_order,
  ended_by_reset,
  ended_idle,
  bytes_to_channel,
  bytes_from_channel,
  waiting,  // accepted, without a channel
  idle_channels,
  served_warm,  // found a channel in the pool
  streams,      // opened so far
};

// One slot. JavaScript sees doubles: exact up to 2^53.
class counter_slot {
 public:
  counter_slot() = default;
  explicit counter_slot(double* first) : first_(first) {}

  template <class Name>
  void set(Name name, uint64_t value) const {
    std::atomic_ref<double>(first_[static_cast<size_t>(name)]).store(static_cast<double>(value), std::memory_order_relaxed);
  }

  template <class Name>
  void add(Name name, int64_t more) const {
    const std::atomic_ref<double> counter(first_[static_cast<size_t>(name)]);
    counter.store(counter.load(std::memory_order_relaxed) + static_cast<double>(more), std::memory_order_relaxed);
  }

 private:
  double* first_ = nullptr;
};

}  // namespace xps::plane
