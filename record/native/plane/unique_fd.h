#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <utility>

namespace xps::plane {

// Owns one descriptor.
class unique_fd {
 public:
  unique_fd() = default;
  explicit unique_fd(int fd) noexcept : fd_(fd) {}
  unique_fd(unique_fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  unique_fd& operator=(unique_fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~unique_fd() { reset(); }

  void reset() noexcept {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }

  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  int operator*() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// Closes with RST: the peer learns that this was no orderly end. A UNIX socket knows none and is just closed.
inline void close_with_reset(unique_fd& fd) noexcept {
  if (!fd) return;
  const ::linger at_once{1, 0};
  setsockopt(*fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  fd.reset();
}

}  // namespace xps::plane
