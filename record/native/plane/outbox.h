// What a socket has not taken yet, in order.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "buffer.h"

namespace xps::plane {

struct piece {
  uint8_t* at;
  size_t length;
};

enum class flow : uint8_t { done, blocked, broken };

class outbox {
 public:
  bool empty() const noexcept { return head_ == slices_.size(); }
  size_t bytes() const noexcept { return bytes_; }

  // Writes at once what the socket takes; the rest waits here, with a share of `holder`, which the pieces lie in.
  flow write(int fd, const buffer_ref& holder, std::span<const piece> pieces);
  // Keeps for later.
  void hold(const buffer_ref& holder, std::span<const piece> pieces);
  flow flush(int fd);
  void clear() noexcept;

 private:
  void hold_copy(buffer_pool& pool, std::span<const piece> pieces);

  struct slice {
    buffer_ref holder;
    uint8_t* at;
    size_t length;
  };

  static constexpr size_t MOST_PIECES = 64;  // of one system call

  std::vector<slice> slices_;
  size_t head_ = 0;
  size_t bytes_ = 0;
};

}  // namespace xps::plane
