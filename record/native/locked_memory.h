// Memory for keys: locked so that it is not swapped out, left out of core dumps and of forked children, between
// inaccessible pages, and wiped when it is given back.
//
// The system limits how much a process may lock (RLIMIT_MEMLOCK). Beyond that keys still work, in memory that is wiped and
// kept out of dumps but may be swapped; `locked_memory_usage` tells.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

namespace xps {

inline constexpr size_t LOCKED_SLOT_BYTES = 1024;

// 64-byte aligned, zeroed, LOCKED_SLOT_BYTES long; nullptr when there is no memory. Thread-safe.
void* take_locked_slot() noexcept;

// Wipes. Thread-safe.
void return_locked_slot(void* slot) noexcept;

struct locked_memory_usage {
  size_t slots_in_use;
  size_t locked_bytes;
  size_t unlocked_bytes;  // what the system refused to lock
};

locked_memory_usage usage_of_locked_memory() noexcept;

// Owns one T in locked memory. T is plain data: nothing runs when it ends, its bytes are wiped.
template <class T>
class locked {
  static_assert(sizeof(T) <= LOCKED_SLOT_BYTES && alignof(T) <= 64);
  static_assert(std::is_trivially_destructible_v<T> && std::is_trivially_copyable_v<T>);

 public:
  locked() = default;
  locked(locked&& other) noexcept : slot_(std::exchange(other.slot_, nullptr)) {}
  locked& operator=(locked&& other) noexcept {
    std::swap(slot_, other.slot_);
    return *this;
  }
  ~locked() { reset(); }

  // Zeroed; empty when there is no memory.
  static locked make() noexcept {
    locked made;
    if (void* memory = take_locked_slot()) made.slot_ = new (memory) T{};
    return made;
  }

  void reset() noexcept {
    if (slot_ != nullptr) return_locked_slot(std::exchange(slot_, nullptr));
  }

  explicit operator bool() const noexcept { return slot_ != nullptr; }
  T* operator->() const noexcept { return slot_; }
  T& operator*() const noexcept { return *slot_; }

 private:
  T* slot_ = nullptr;
};

}  // namespace xps
