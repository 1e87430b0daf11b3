// The one stream that a channel carries at a time: docs/PROTOCOL.md §8. Rules only, no bytes; the twin of channel/streams.ts.
#pragma once

#include <cstdint>

#include "failure.h"

namespace xps::plane {

class stream_lane {
 public:
  enum class ending : uint8_t { open, ended, reset };

  struct state {
    uint64_t number = 0;
    ending sending = ending::reset;
    ending receiving = ending::reset;
    // The peer ended the stream before the present one with End: a Reset of it may have crossed ours.
    bool was_last_ended = false;
    uint64_t sent_bytes = 0;
    uint64_t received_bytes = 0;
    uint64_t total_sent = 0;      // of the streams before
    uint64_t total_received = 0;  // of the streams before
  };

  stream_lane() = default;
  explicit stream_lane(const state& begin) : now_(begin) {}

  uint64_t number() const { return now_.number; }
  bool is_idle() const { return now_.sending != ending::open && now_.receiving != ending::open; }
  bool can_send() const { return now_.sending == ending::open; }
  bool can_receive() const { return now_.receiving == ending::open; }
  // Neither over nor reset by us already (§8.4).
  bool can_reset() const { return !is_idle() && now_.sending != ending::reset; }
  // Nothing of the present stream was sent or received.
  bool is_untouched() const { return can_send() && can_receive() && now_.sent_bytes == 0 && now_.received_bytes == 0; }
  uint64_t sent_bytes() const { return now_.sent_bytes; }
  uint64_t total_sent() const { return now_.total_sent + now_.sent_bytes; }
  uint64_t total_received() const { return now_.total_received + now_.received_bytes; }

  uint64_t open_next() {
    if (!is_idle()) throw failure{reason::INTERNAL_ERROR, "a stream is still open"};
    begin(now_.number + 1);
    return now_.number;
  }

  void accept_open(uint64_t number) {
    if (!is_idle()) throw failure{reason::STREAM_INVALID, "Open while a stream is open"};
    if (number != now_.number + 1) throw failure{reason::STREAM_INVALID, "the number of Open is not the next"};
    begin(number);
  }

  void count_sent(uint64_t bytes) { now_.sent_bytes += bytes; }

  // False: the stream was reset by us, the bytes are counted and thrown away (§8.4).
  bool count_received(uint64_t bytes) {
    if (now_.receiving != ending::open) throw failure{reason::STREAM_INVALID, "data for a direction that is not open"};
    now_.received_bytes += bytes;
    return now_.sending != ending::reset;
  }

  void end() {
    if (now_.sending != ending::open) throw failure{reason::INTERNAL_ERROR, "the direction is over already"};
    now_.sending = ending::ended;
  }

  void reset() {
    // §8.4: a Reset after our own End is legal while the other direction is open.
    if (!can_reset()) throw failure{reason::INTERNAL_ERROR, "nothing is left to reset"};
    now_.sending = ending::reset;
  }

  void accept_end(uint64_t number, uint64_t bytes) {
    require_present(number);
    if (bytes != now_.received_bytes) throw failure{reason::CLOSE_COUNT_MISMATCH, "End with another count than arrived"};
    if (now_.receiving != ending::open) throw failure{reason::STREAM_INVALID, "the direction is over already"};
    now_.receiving = ending::ended;
  }

  // False: it crossed our own End and means nothing any more (§8.5).
  bool accept_reset(uint64_t number) {
    const uint64_t last_over = is_idle() ? now_.number : now_.number - 1;
    const bool was_ended = is_idle() ? now_.receiving == ending::ended : now_.was_last_ended;
    if (number == last_over && was_ended) {
      // Once: the peer has now reset that stream.
      if (is_idle()) now_.receiving = ending::reset;
      now_.was_last_ended = false;
      return false;
    }
    require_present(number);
    if (now_.receiving == ending::reset) throw failure{reason::STREAM_INVALID, "a second Reset"};
    now_.receiving = ending::reset;
    return true;
  }

 private:
  void begin(uint64_t number) {
    now_ = {number, ending::open, ending::open, now_.receiving == ending::ended, 0, 0, total_sent(), total_received()};
  }

  void require_present(uint64_t number) const {
    if (is_idle() || number != now_.number) throw failure{reason::STREAM_INVALID, "not the present stream"};
  }

  state now_;
};

}  // namespace xps::plane
