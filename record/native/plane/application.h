// One application's socket: being dialled, waiting for a channel, carried by one, or finishing what still waits for it.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <vector>

#include "loop.h"
#include "outbox.h"
#include "unique_fd.h"

namespace xps::plane {

class channel;
class route;

class application final : public pollable {
 public:
  using place = std::list<std::unique_ptr<application>>::iterator;

  // Without a descriptor it waits for `connected` or `dialling`; what is delivered meanwhile is kept.
  application(loop& on, route& owner) : loop_(on), route_(owner) {}

  // A socket that is connected. `early`: what was read from it already.
  void connected(unique_fd fd, std::vector<uint8_t> early = {});
  // A socket whose connect is under way; the owner hears of its end.
  void dialling(unique_fd fd);

  void carried_by(channel* carrier) noexcept { channel_ = carrier; }
  channel* carrier() const noexcept { return channel_; }
  void close_now() noexcept { fd_.reset(); }
  bool is_connected() const noexcept { return static_cast<bool>(fd_) && !is_dialling_; }
  bool is_dialling() const noexcept { return is_dialling_; }
  bool is_readable() const noexcept { return is_connected() && (is_readable_ || !early_.empty()); }
  size_t pending_bytes() const noexcept { return out_.bytes(); }

  enum class outcome : uint8_t { bytes, end, nothing, broken };
  // Reads what there is into `room`; `taken` is the number of bytes.
  outcome read(std::span<iovec> room, size_t& taken);

  // False when the connection is broken. What it does not take waits.
  [[nodiscard]] bool deliver(const buffer_ref& holder, std::span<const piece> pieces);
  // No more bytes will come: FIN after what waits.
  void deliver_end();
  // The stream is over in order: closes after what waits. The route may delete this.
  void leave();
  // RST, at once. The route deletes this.
  void abort();

  void on_ready(uint32_t events) override;
  void on_tick();

  // Of the route that owns this.
  place where;
  size_t next_target = 0;
  uint32_t target_tag = 0;
  uint8_t attempts = 0;

 private:
  void flush();
  void finish_end();

  loop& loop_;
  route& route_;
  channel* channel_ = nullptr;
  unique_fd fd_;
  outbox out_;
  std::vector<uint8_t> early_;
  uint64_t since_ms_ = 0;  // dialling, or leaving with nothing taken
  bool is_dialling_ = false;
  bool is_readable_ = false;
  bool has_fin_ = false;  // announced, perhaps not read yet
  bool has_end_to_send_ = false;
  bool has_sent_end_ = false;
  bool is_leaving_ = false;
  bool is_broken_ = false;
};

}  // namespace xps::plane
