// Memory for bytes under way: counted blocks, the big ones pooled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <utility>
#include <vector>

namespace xps::plane {

// Sixteen records of the greatest length, each in a slot of 64 KiB (record.h, BULK_CONTENT), and room to align the first. Measured
// with one stream on Zen 4, CPU seconds per gigabyte of a pair: 1.09 with 4 records, 0.98 with 8, 0.88 with 16.
inline constexpr size_t BULK_RECORDS = 16;
inline constexpr size_t BULK_BYTES = BULK_RECORDS * 65536 + 128;
// Payloads begin on a cache line when a header begins here.
inline constexpr size_t FIRST_RECORD_AT = 56;

class buffer_pool;

// A block with a count of its users. Not thread-safe: a block never leaves its loop.
class buffer {
 public:
  buffer_pool& pool() noexcept { return *pool_; }
  uint8_t* data() noexcept { return reinterpret_cast<uint8_t*>(this) + ALIGNMENT; }
  size_t capacity() const noexcept { return capacity_; }
  bool is_shared() const noexcept { return users_ > 1; }
  // Of the pool: BULK_BYTES long.
  bool is_bulk() const noexcept { return is_bulk_; }

 private:
  friend class buffer_pool;
  friend class buffer_ref;
  static constexpr size_t ALIGNMENT = 64;
  buffer(buffer_pool* pool, size_t capacity, bool is_bulk) : pool_(pool), capacity_(capacity), is_bulk_(is_bulk) {}

  buffer_pool* pool_;
  size_t capacity_;
  uint32_t users_ = 0;
  bool is_bulk_;
};

class buffer_ref {
 public:
  buffer_ref() = default;
  explicit buffer_ref(buffer* held) noexcept : held_(held) { ++held_->users_; }
  buffer_ref(const buffer_ref& other) noexcept : held_(other.held_) {
    if (held_ != nullptr) ++held_->users_;
  }
  buffer_ref(buffer_ref&& other) noexcept : held_(std::exchange(other.held_, nullptr)) {}
  buffer_ref& operator=(buffer_ref other) noexcept {
    std::swap(held_, other.held_);
    return *this;
  }
  ~buffer_ref() { reset(); }

  inline void reset() noexcept;

  buffer* operator->() const noexcept { return held_; }
  explicit operator bool() const noexcept { return held_ != nullptr; }

 private:
  buffer* held_ = nullptr;
};

class buffer_pool {
 public:
  buffer_pool() = default;
  buffer_pool(const buffer_pool&) = delete;
  buffer_pool& operator=(const buffer_pool&) = delete;
  ~buffer_pool() {
    for (buffer* spare : spares_) std::free(spare);
  }

  // BULK_BYTES, the one that was used last: its memory is warm.
  buffer_ref take() {
    ++out_;
    if (spares_.empty()) return buffer_ref(allocate(BULK_BYTES, true));
    buffer* spare = spares_.back();
    spares_.pop_back();
    return buffer_ref(spare);
  }

  // Exactly sized, for what has to wait; not pooled.
  buffer_ref take_small(size_t capacity) { return buffer_ref(allocate(capacity, false)); }

  // So many blocks of BULK_BYTES are in use that what waits moves to blocks of its own size, and reads are small. This bounds
  // the memory of many connections that are all blocked.
  bool is_scarce() const noexcept { return out_ > PLENTY; }

  size_t in_use() const noexcept { return out_; }

  // Gives spare memory back to the system; called when the loop was quiet.
  void trim() noexcept {
    while (spares_.size() > 1) {
      std::free(spares_.back());
      spares_.pop_back();
    }
  }

 private:
  friend class buffer_ref;
  static constexpr size_t PLENTY = 32;
  static constexpr size_t MOST_SPARES = 8;

  buffer* allocate(size_t capacity, bool is_bulk) {
    const size_t whole = (buffer::ALIGNMENT + capacity + 63) & ~size_t{63};
    void* memory = std::aligned_alloc(buffer::ALIGNMENT, whole);
    if (memory == nullptr) throw std::bad_alloc();
    return new (memory) buffer(this, capacity, is_bulk);
  }

  void give_back(buffer* spare) noexcept {
    if (spare->is_bulk_) {
      --out_;
      if (spares_.size() < MOST_SPARES) {
        spares_.push_back(spare);
        return;
      }
    }
    std::free(spare);
  }

  std::vector<buffer*> spares_;
  size_t out_ = 0;
};

void buffer_ref::reset() noexcept {
  if (held_ == nullptr) return;
  buffer* last = std::exchange(held_, nullptr);
  if (--last->users_ == 0) last->pool_->give_back(last);
}

}  // namespace xps::plane
