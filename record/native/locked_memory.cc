#include "locked_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <mutex>

namespace xps {
namespace {

constexpr size_t SLOTS = 64;
constexpr size_t CHUNK_BYTES = SLOTS * LOCKED_SLOT_BYTES;

struct chunk {
  uint8_t* slots = nullptr;
  uint64_t free_slots = ~0ull;  // one bit each
  bool is_locked = false;
  chunk* next = nullptr;
};

// Constant-initialised and never destroyed: keys may be given back while the process ends.
constinit std::mutex mutex;
constinit chunk* chunks = nullptr;

chunk* map_chunk() noexcept {
  const size_t guard = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t whole = CHUNK_BYTES + 2 * guard;
  void* mapped = mmap(nullptr, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  uint8_t* slots = static_cast<uint8_t*>(mapped) + guard;
  chunk* made = new (std::nothrow) chunk;
  if (made == nullptr || mprotect(slots, CHUNK_BYTES, PROT_READ | PROT_WRITE) != 0) {
    munmap(mapped, whole);
    delete made;
    return nullptr;
  }
  madvise(slots, CHUNK_BYTES, MADV_DONTDUMP);
  madvise(slots, CHUNK_BYTES, MADV_DONTFORK);
  made->slots = slots;
  made->is_locked = mlock(slots, CHUNK_BYTES) == 0;
  return made;
}

void unmap_chunk(chunk* gone) noexcept {
  const size_t guard = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  munmap(gone->slots - guard, CHUNK_BYTES + 2 * guard);
  delete gone;
}

bool holds(const chunk& c, const void* slot) {
  const auto at = reinterpret_cast<uintptr_t>(slot), begin = reinterpret_cast<uintptr_t>(c.slots);
  return at >= begin && at < begin + CHUNK_BYTES;
}

}  // namespace

void* take_locked_slot() noexcept {
  const std::lock_guard hold(mutex);
  chunk* with_room = chunks;
  while (with_room != nullptr && with_room->free_slots == 0) with_room = with_room->next;
  if (with_room == nullptr) {
    with_room = map_chunk();
    if (with_room == nullptr) return nullptr;
    with_room->next = chunks;
    chunks = with_room;
  }
  const int index = __builtin_ctzll(with_room->free_slots);
  with_room->free_slots &= with_room->free_slots - 1;
  return with_room->slots + static_cast<size_t>(index) * LOCKED_SLOT_BYTES;
}

void return_locked_slot(void* slot) noexcept {
  explicit_bzero(slot, LOCKED_SLOT_BYTES);
  const std::lock_guard hold(mutex);
  chunk** link = &chunks;
  while (!holds(**link, slot)) link = &(*link)->next;
  chunk* owner = *link;
  owner->free_slots |= 1ull << (static_cast<size_t>(static_cast<uint8_t*>(slot) - owner->slots) / LOCKED_SLOT_BYTES);
  const bool is_only_one = chunks == owner && owner->next == nullptr;
  if (owner->free_slots == ~0ull && !is_only_one) {
    *link = owner->next;
    unmap_chunk(owner);
  }
}

locked_memory_usage usage_of_locked_memory() noexcept {
  const std::lock_guard hold(mutex);
  locked_memory_usage usage{};
  for (const chunk* c = chunks; c != nullptr; c = c->next) {
    usage.slots_in_use += SLOTS - static_cast<size_t>(__builtin_popcountll(c->free_slots));
    (c->is_locked ? usage.locked_bytes : usage.unlocked_bytes) += CHUNK_BYTES;
  }
  return usage;
}

}  // namespace xps
