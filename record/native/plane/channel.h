// One established channel on its socket: docs/PROTOCOL.md §2 and §8. The path of bytes:
//
//   to the channel:   pump → application::read into staged slots → record_key::seal in place → outbox
//   from the channel: receive → read → open_records → record_key::open in place → application::deliver
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "application.h"
#include "counters.h"
#include "failure.h"
#include "loop.h"
#include "messages.h"
#include "outbox.h"
#include "record.h"
#include "stream_lane.h"

namespace xps::plane {

class route;

enum class side : uint8_t { client, server };

// What a channel brings with it when it comes from TypeScript.
struct hand_over {
  uint32_t id;
  plane::side side;
  uint32_t record_limit;
  // Of a key: `due` is reported when one is reached.
  uint64_t soft_records;
  uint64_t soft_bytes;
  record_key send;
  record_key receive;
  stream_lane::state lane;
  bool may_open;  // client: further streams are allowed
  std::vector<uint8_t> unread;
  std::vector<uint8_t> unsent;  // sealed already
  unique_fd fd;
  counter_slot counters;
};

class channel final : public pollable {
 public:
  static constexpr size_t NOT_POOLED = SIZE_MAX;

  channel(loop& on, route& owner, hand_over taken);
  ~channel() override;

  route& owner() noexcept { return route_; }

  // Once, on the loop.
  void begin();

  // Operations of TypeScript. On a channel that failed all but `seal` and `kill` do nothing.
  void seal(std::span<const uint8_t> message);
  void install_send(record_key key);
  // `on_epoch`: comes into force with the first record of its epoch (§9.6).
  void install_receive(record_key key, bool on_epoch);
  // Client: Close as soon as no stream is open; none is opened any more.
  void close_when_idle();
  // The end: what is sealed goes out if the socket takes it within a second, keys are wiped now.
  void kill();
  // Every operation of one turn of TypeScript is done: what was sealed goes out.
  void end_operations();

  // Client: opens a stream for `who`. Answers false and leaves `who` alone when no stream can be opened.
  bool carry(application& who, uint8_t kind, std::span<const uint8_t> destination);
  // Server: the connection for stream `number`, which was reported as `open`.
  void attach(uint64_t number, unique_fd fd);
  // Aborts the stream that is open.
  void refuse(reset_reason why);

  void on_application_ready();
  void on_application_broken();

  void on_ready(uint32_t events) override;
  void on_turn() override;
  void on_tick();

  // Of the route's pool.
  size_t pool_index = NOT_POOLED;

 private:
  template <class Action>
  void guarded(Action action);
  void retire();
  void fail(const char* why, const char* detail);
  void finish();
  void leave();
  void linger();
  void depart();
  void publish();

  void work();
  void receive();
  bool may_receive() const;
  void make_room();
  void open_records();
  record_key& key_for(uint16_t epoch);
  void accept_data(uint8_t* at, size_t length);
  void deliver_pieces();
  void accept_message(std::span<const uint8_t> message, uint32_t epoch);
  void accept_open(std::span<const uint8_t> message);
  void accept_end(std::span<const uint8_t> body);
  void accept_reset(std::span<const uint8_t> body);
  void accept_close(std::span<const uint8_t> body);

  void pump();
  void end_stream();
  void reset_stream(reset_reason why);
  void drop_application();
  void lose_application();
  void after_stream_change();
  void close_if_due();

  uint8_t* stage(size_t length);
  void seal_message(std::span<const uint8_t> message);
  void flush_staged();
  void note_rekey(uint8_t type);
  void check_due();
  bool can_open() const;

  loop& loop_;
  route& route_;
  const uint32_t id_;
  const plane::side side_;
  const uint32_t record_limit_;
  const uint64_t soft_records_;
  const uint64_t soft_bytes_;
  counter_slot counters_;
  unique_fd fd_;

  record_key send_key_;
  record_key receive_key_;
  record_key next_receive_key_;
  message_assembler assembler_;
  stream_lane lane_;
  application* application_ = nullptr;

  // Read from the socket and not opened yet: [unread_begin_, unread_end_) of unread_.
  buffer_ref unread_;
  size_t unread_begin_ = 0;
  size_t unread_end_ = 0;
  std::vector<piece> pieces_;  // opened, in unread_, not delivered yet

  // Sealed in this turn: [staged_begin_, staged_end_) of staged_; then what the socket did not take.
  buffer_ref staged_;
  size_t staged_begin_ = 0;
  size_t staged_end_ = 0;
  outbox out_;

  uint64_t active_ms_ = 0;
  uint64_t left_ms_ = 0;
  size_t lingered_ = 0;
  uint64_t last_over_ = 0;
  uint64_t changes_ = 0;
  uint32_t send_due_epoch_ = 0;     // `due` was reported for this epoch
  uint32_t receive_due_epoch_ = 0;
  uint8_t ending_ = 0;              // route::ending of the present stream
  bool is_readable_ = true;
  bool has_fin_ = false;            // announced, perhaps not read yet
  bool has_transport_end_ = false;
  bool may_open_;
  bool is_close_wanted_ = false;
  bool has_sent_close_ = false;
  bool awaits_keys_ = false;        // RekeyFinish came: nothing is opened until RekeyDone says whose keys the next are
  bool must_be_done_ = false;       // the epoch changed: RekeyDone is the next record
  bool is_rekeying_ = false;        // the peer's messages are needed even if the application takes nothing
  bool has_moved_ = false;
  bool is_deaf_ = false;            // an Alert came: nothing after it counts
  bool is_failed_ = false;
  bool has_shut_down_ = false;
  bool is_leaving_ = false;         // over; only what is sealed still goes out
};

}  // namespace xps::plane
