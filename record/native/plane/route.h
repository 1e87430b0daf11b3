// What one tunnel is to the plane: on the client's side a listener and a pool of warm channels, on the server's side the targets.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <vector>

#include "application.h"
#include "counters.h"
#include "loop.h"
#include "messages.h"
#include "unique_fd.h"

namespace xps::plane {

class channel;

struct target {
  sockaddr_storage address;
  socklen_t length;
  uint32_t tag;  // JavaScript's name for it
  bool has_failed = false;
  uint64_t reported_ms = 0;
};

struct route_limits {
  uint64_t idle_ms = 0;  // 0: none
  uint64_t connect_ms = 10'000;
  uint64_t connections = UINT64_MAX;
  bool reports_over = false;
};

// How many channels an application is given before it is reset.
inline constexpr uint8_t MOST_ATTEMPTS = 3;

class route final : public pollable {
 public:
  route(loop& on, uint32_t id, route_limits limits, counter_slot counters)
      : loop_(on), id_(id), limits_(limits), counters_(counters) {}
  ~route() override;

  uint32_t id() const noexcept { return id_; }
  const route_limits& limits() const noexcept { return limits_; }
  const counter_slot& counters() const noexcept { return counters_; }

  // Client. Accepts from a socket that listens.
  void listen(unique_fd listener);
  void stop_listening();
  // An idle channel that may carry streams: serves who waits, or keeps it.
  void give_back(channel& idle);
  // Does nothing for a channel that is not kept.
  void forget(channel& kept);
  // Nobody will carry the oldest `count` that wait.
  void refuse_waiting(size_t count);
  void drop_waiting(application& gone);
  // The channel failed before a byte of the stream moved: another one may serve.
  void serve_again(application& untouched) { serve(untouched); }
  bool serves_again(application& untouched) const noexcept { return listener_ && ++untouched.attempts < MOST_ATTEMPTS; }

  // Server. Empty: JavaScript connects.
  void set_targets(std::vector<target> targets);
  bool has_targets() const noexcept { return !targets_.empty(); }
  void dial(application& who);
  void dial_failed(application& who, int error);
  void dialled(uint32_t tag);

  application& make_application();
  // Closes and deletes.
  void discard(application& gone);

  // A stream is over: for the counters.
  enum class ending : uint8_t { in_order, reset, idle };
  void count(ending how);

  void on_ready(uint32_t events) override;
  void on_tick();

 private:
  void accept_some();
  void note_failure(uint32_t tag, int error);
  target* find_target(uint32_t tag);
  void pause_accepting();
  void serve(application& who);
  void count_pool();

  loop& loop_;
  uint32_t id_;
  route_limits limits_;
  counter_slot counters_;
  unique_fd listener_;
  bool is_accepting_ = false;
  std::vector<channel*> idle_;
  std::deque<application*> waiting_;
  std::vector<target> targets_;
  std::list<std::unique_ptr<application>> applications_;
};

}  // namespace xps::plane
