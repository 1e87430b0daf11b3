#include "outbox.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace xps::plane {
namespace {

// Bytes that were taken, or -1 with errno. MSG_NOSIGNAL: a peer that is gone must not end the process.
ssize_t send_pieces(int fd, iovec* pieces, size_t count) {
  msghdr message{};
  message.msg_iov = pieces;
  message.msg_iovlen = count;
  for (;;) {
    const ssize_t taken = count == 1 ? send(fd, pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL) : sendmsg(fd, &message, MSG_NOSIGNAL);
    if (taken >= 0 || errno != EINTR) return taken;
  }
}

bool is_full(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS; }

}  // namespace

flow outbox::write(int fd, const buffer_ref& holder, std::span<const piece> pieces) {
  if (!empty()) {
    hold(holder, pieces);
    return flow::blocked;
  }
  iovec vector[MOST_PIECES];
  while (!pieces.empty()) {
    const size_t count = std::min(pieces.size(), MOST_PIECES);
    size_t offered = 0;
    for (size_t i = 0; i < count; ++i) {
      vector[i] = {pieces[i].at, pieces[i].length};
      offered += pieces[i].length;
    }
    ssize_t taken = send_pieces(fd, vector, count);
    if (taken < 0) {
      if (!is_full(errno)) return flow::broken;
      taken = 0;
    }
    if (static_cast<size_t>(taken) == offered) {
      pieces = pieces.subspan(count);
      continue;
    }
    size_t left = static_cast<size_t>(taken);
    while (left >= pieces.front().length) {
      left -= pieces.front().length;
      pieces = pieces.subspan(1);
    }
    const piece cut{pieces.front().at + left, pieces.front().length - left};
    hold(holder, {&cut, 1});
    hold(holder, pieces.subspan(1));
    return flow::blocked;
  }
  return flow::done;
}

void outbox::hold(const buffer_ref& holder, std::span<const piece> pieces) {
  if (holder->is_bulk() && holder->pool().is_scarce()) return hold_copy(holder->pool(), pieces);
  for (const piece& p : pieces) {
    slices_.push_back({holder, p.at, p.length});
    bytes_ += p.length;
  }
}

void outbox::hold_copy(buffer_pool& pool, std::span<const piece> pieces) {
  size_t length = 0;
  for (const piece& p : pieces) length += p.length;
  if (length == 0) return;
  const buffer_ref copy = pool.take_small(length);
  uint8_t* at = copy->data();
  for (const piece& p : pieces) {
    memcpy(at, p.at, p.length);
    at += p.length;
  }
  slices_.push_back({copy, copy->data(), length});
  bytes_ += length;
}

flow outbox::flush(int fd) {
  iovec vector[MOST_PIECES];
  while (!empty()) {
    const size_t count = std::min(slices_.size() - head_, MOST_PIECES);
    size_t offered = 0;
    for (size_t i = 0; i < count; ++i) {
      vector[i] = {slices_[head_ + i].at, slices_[head_ + i].length};
      offered += slices_[head_ + i].length;
    }
    const ssize_t taken = send_pieces(fd, vector, count);
    if (taken < 0) return is_full(errno) ? flow::blocked : flow::broken;
    bytes_ -= static_cast<size_t>(taken);
    size_t left = static_cast<size_t>(taken);
    while (head_ < slices_.size() && left >= slices_[head_].length) {
      left -= slices_[head_].length;
      slices_[head_++].holder.reset();
    }
    if (static_cast<size_t>(taken) < offered) {
      slices_[head_].at += left;
      slices_[head_].length -= left;
      return flow::blocked;
    }
  }
  clear();
  return flow::done;
}

void outbox::clear() noexcept {
  slices_ = {};
  head_ = 0;
  bytes_ = 0;
}

}  // namespace xps::plane
