// What goes up to JavaScript.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

namespace xps::plane {

enum class event_kind : uint8_t {
  message,   // a message that is not the plane's; epoch, has_moved, bytes
  due,       // a soft limit of a key was reached; has_moved
  open,      // a server's stream that JavaScript has to connect; number, bytes: the whole Open
  over,      // the stream `number` is over, on routes that report it; text: how
  closing,   // Close was sent
  closed,    // the end, in order
  failed,    // the end; reason, text
  gone,      // the channel's socket is closed: nothing follows
  waiting,   // connections of a route have no channel; number: how many
  listener_failed,  // text
  target_failed,    // of a route; number: the target's tag; text: the errno's name
  target_worked,    // after it had failed
};

struct event {
  event_kind kind;
  uint32_t id = 0;  // of a channel, or of a route
  uint32_t epoch = 0;
  bool has_moved = false;  // of message and due: DATA was sent or received since the last one (docs/PROTOCOL.md §7.2)
  uint64_t number = 0;
  const char* reason = "";  // constant texts
  const char* text = "";
  std::vector<uint8_t> bytes = {};
};

// Many producers' worth of order, one consumer. `wake` is called when the queue stops being empty.
class event_queue {
 public:
  explicit event_queue(std::function<void()> wake) : wake_(std::move(wake)) {}

  void push(event e) {
    bool was_empty;
    {
      const std::lock_guard hold(mutex_);
      was_empty = events_.empty();
      events_.push_back(std::move(e));
    }
    if (was_empty) wake_();
  }

  std::vector<event> take() {
    const std::lock_guard hold(mutex_);
    return std::move(events_);
  }

 private:
  std::function<void()> wake_;
  std::mutex mutex_;
  std::vector<event> events_;
};

}  // namespace xps::plane
