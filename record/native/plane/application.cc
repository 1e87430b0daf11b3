#include "application.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "channel.h"
#include "route.h"

namespace xps::plane {
namespace {

constexpr uint32_t ALL = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
// A connection that is over but takes nothing of what waits for it is dropped after this.
constexpr uint64_t LEAVING_MS = 60'000;

int pending_error(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

}  // namespace

void application::connected(unique_fd fd, std::vector<uint8_t> early) {
  fd_ = std::move(fd);
  early_ = std::move(early);
  // Bytes may be here already: reading finds out with one call what waiting would find out with two.
  is_readable_ = true;
  is_dialling_ = false;
  loop_.watch(*this, *fd_, ALL);
  flush();
}

void application::dialling(unique_fd fd) {
  fd_ = std::move(fd);
  is_dialling_ = true;
  since_ms_ = loop_.now_ms();
  loop_.watch(*this, *fd_, ALL);
}

application::outcome application::read(std::span<iovec> room, size_t& taken) {
  if (!early_.empty()) {
    taken = std::min(early_.size(), room[0].iov_len);
    memcpy(room[0].iov_base, early_.data(), taken);
    early_.erase(early_.begin(), early_.begin() + static_cast<ptrdiff_t>(taken));
    return outcome::bytes;
  }
  ssize_t got;
  do got = room.size() == 1 ? ::read(*fd_, room[0].iov_base, room[0].iov_len) : readv(*fd_, room.data(), static_cast<int>(room.size()));
  while (got < 0 && errno == EINTR);
  if (got == 0) {
    is_readable_ = false;
    return outcome::end;
  }
  if (got < 0) {
    is_readable_ = false;
    return errno == EAGAIN ? outcome::nothing : outcome::broken;
  }
  taken = static_cast<size_t>(got);
  size_t offered = 0;
  for (const iovec& each : room) offered += each.iov_len;
  // A short read has emptied the socket. What comes later is a new edge; a FIN that was announced already is not.
  if (taken < offered) is_readable_ = has_fin_;
  return outcome::bytes;
}

bool application::deliver(const buffer_ref& holder, std::span<const piece> pieces) {
  if (!is_connected()) {
    out_.hold(holder, pieces);
    return true;
  }
  return out_.write(*fd_, holder, pieces) != flow::broken;
}

void application::deliver_end() {
  has_end_to_send_ = true;
  finish_end();
}

void application::leave() {
  channel_ = nullptr;
  is_leaving_ = true;
  since_ms_ = loop_.now_ms();
  if (out_.empty() || is_broken_) route_.discard(*this);
}

void application::abort() {
  channel_ = nullptr;
  close_with_reset(fd_);
  out_.clear();
  route_.discard(*this);
}

void application::on_ready(uint32_t events) {
  if (is_dialling_) {
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) == 0) return;
    if (const int error = pending_error(*fd_)) {
      fd_.reset();
      is_dialling_ = false;
      route_.dial_failed(*this, error);
      return;
    }
    is_dialling_ = false;
    route_.dialled(target_tag);
  }
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) is_readable_ = true;
  if ((events & (EPOLLRDHUP | EPOLLHUP)) != 0) has_fin_ = true;
  if ((events & EPOLLOUT) != 0) flush();
  if ((events & EPOLLERR) != 0) is_broken_ = true;
  if (channel_ != nullptr) {
    if (is_broken_) channel_->on_application_broken();
    else channel_->on_application_ready();
  } else if (is_leaving_) {
    if (out_.empty() || is_broken_) route_.discard(*this);
  } else if (is_broken_) {
    route_.drop_waiting(*this);
  }
}

void application::on_tick() {
  if (is_dialling_ && loop_.now_ms() - since_ms_ > route_.limits().connect_ms) {
    fd_.reset();
    is_dialling_ = false;
    route_.dial_failed(*this, ETIMEDOUT);
  } else if (is_leaving_ && loop_.now_ms() - since_ms_ > LEAVING_MS) {
    abort();
  }
}

void application::flush() {
  if (!is_connected() || is_broken_) return;
  const size_t before = out_.bytes();
  if (!out_.empty() && out_.flush(*fd_) == flow::broken) is_broken_ = true;
  if (out_.bytes() != before) since_ms_ = loop_.now_ms();
  finish_end();
}

void application::finish_end() {
  if (!has_end_to_send_ || has_sent_end_ || !out_.empty() || !is_connected()) return;
  has_sent_end_ = true;
  shutdown(*fd_, SHUT_WR);
}

}  // namespace xps::plane
