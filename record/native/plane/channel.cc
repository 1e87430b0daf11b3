#include "channel.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <utility>

#include "route.h"

namespace xps::plane {
namespace {

constexpr uint32_t ALL = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
// Blocks of one turn and direction: other channels get theirs in between.
constexpr int ROUNDS_PER_TURN = 2;
// Less room than this is not worth a read: what is staged goes out first.
constexpr size_t LEAST_ROOM = 4096;
constexpr size_t MOST_PIECES = 256;
// While a rekey needs the peer, so much is kept for an application that takes nothing.
constexpr size_t READ_AHEAD_BYTES = 32 * 1024 * 1024;
constexpr uint64_t LEAVING_MS = 1000;
constexpr size_t LEAVING_BYTES = 1024 * 1024;
// What is left of a record moves to a block of its own size when it is less than this.
constexpr size_t SMALL_REST = 16 * 1024;

}  // namespace

channel::channel(loop& on, route& owner, hand_over taken)
    : loop_(on),
      route_(owner),
      id_(taken.id),
      side_(taken.side),
      record_limit_(taken.record_limit),
      soft_records_(taken.soft_records),
      soft_bytes_(taken.soft_bytes),
      counters_(taken.counters),
      fd_(std::move(taken.fd)),
      send_key_(std::move(taken.send)),
      receive_key_(std::move(taken.receive)),
      lane_(taken.lane),
      active_ms_(on.now_ms()),
      last_over_(taken.lane.number),
      may_open_(taken.may_open) {
  if (!taken.unread.empty()) {
    unread_ = on.buffers().take_small(taken.unread.size());
    memcpy(unread_->data(), taken.unread.data(), taken.unread.size());
    unread_end_ = taken.unread.size();
  }
  if (!taken.unsent.empty()) {
    staged_ = on.buffers().take_small(taken.unsent.size());
    memcpy(staged_->data(), taken.unsent.data(), taken.unsent.size());
    staged_end_ = taken.unsent.size();
  }
}

channel::~channel() {
  route_.forget(*this);
  if (application_ != nullptr) std::exchange(application_, nullptr)->abort();
}

void channel::begin() {
  guarded([this] {
    loop_.watch(*this, *fd_, ALL);
    if (unread_) open_records();
    if (side_ == side::client && can_open()) route_.give_back(*this);
    work();
  });
}

// ── entering and leaving ─────────────────────────────────────────────────────────────────────────────────────────────

template <class Action>
void channel::guarded(Action action) {
  if (is_leaving_) return;
  try {
    action();
    if (is_leaving_) return;
    flush_staged();
    check_due();
  } catch (const failure& broken) {
    fail(broken.reason, broken.detail);
  } catch (const std::exception&) {
    fail(reason::INTERNAL_ERROR, "the data plane ran out of memory or descriptors");
  }
  publish();
}

void channel::fail(const char* why, const char* detail) {
  if (is_failed_ || is_leaving_) return;
  is_failed_ = true;
  route_.forget(*this);
  lose_application();
  pieces_.clear();
  unread_.reset();
  loop_.report({.kind = event_kind::failed, .id = id_, .reason = why, .text = detail});
}

// The channel is lost: an application of which not a byte has moved may be served by another one.
void channel::lose_application() {
  application* lost = std::exchange(application_, nullptr);
  if (lost == nullptr) return;
  if (side_ == side::client && lane_.is_untouched() && route_.serves_again(*lost)) {
    lost->carried_by(nullptr);
    route_.serve_again(*lost);
  } else {
    route_.count(route::ending::reset);
    lost->abort();
  }
}

void channel::kill() {
  if (is_leaving_) return;
  try {
    flush_staged();
  } catch (const failure&) {
    out_.clear();
  }
  leave();
}

// In order: both Close messages were exchanged.
void channel::finish() {
  loop_.report({.kind = event_kind::closed, .id = id_});
  flush_staged();
  leave();
}

void channel::leave() {
  is_leaving_ = true;
  route_.forget(*this);
  lose_application();
  send_key_ = record_key();
  receive_key_ = record_key();
  next_receive_key_ = record_key();
  unread_.reset();
  left_ms_ = loop_.now_ms();
  linger();
}

// A socket that is closed with unread bytes in it sends RST, which can destroy our last words at the peer: what still comes is
// read and thrown away until the peer closes too, or time or patience is over.
void channel::linger() {
  if (!out_.empty()) return;
  if (!std::exchange(has_shut_down_, true)) shutdown(*fd_, SHUT_WR);
  const buffer_ref waste = loop_.buffers().take();
  while (lingered_ < LEAVING_BYTES) {
    const ssize_t got = recv(*fd_, waste->data(), waste->capacity(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) break;
    lingered_ += static_cast<size_t>(got);
  }
  depart();
}

void channel::depart() {
  fd_.reset();
  loop_.report({.kind = event_kind::gone, .id = id_});
  loop_.remove_channel(id_);
}

void channel::publish() {
  counters_.set(channel_counter::is_idle, lane_.is_idle() ? 1 : 0);
  counters_.set(channel_counter::send_epoch, send_key_.epoch());
  counters_.set(channel_counter::sent_records, send_key_.records());
  counters_.set(channel_counter::sent_bytes, send_key_.bytes());
  counters_.set(channel_counter::receive_epoch, receive_key_.epoch());
  counters_.set(channel_counter::received_records, receive_key_.records());
  counters_.set(channel_counter::received_bytes, receive_key_.bytes());
  counters_.set(channel_counter::streams, lane_.number());
  counters_.set(channel_counter::stream_bytes_sent, lane_.total_sent());
  counters_.set(channel_counter::stream_bytes_received, lane_.total_received());
  counters_.set(channel_counter::changes, changes_);
}

void channel::on_ready(uint32_t events) {
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) is_readable_ = true;
  if ((events & (EPOLLRDHUP | EPOLLHUP)) != 0) has_fin_ = true;
  const bool can_flush = (events & EPOLLOUT) != 0 && !out_.empty();
  if (is_leaving_) {
    if (can_flush && out_.flush(*fd_) == flow::broken) depart();
    else linger();
    return;
  }
  if (is_failed_) return;
  guarded([&] {
    if (can_flush && out_.flush(*fd_) == flow::broken) throw failure{reason::CHANNEL_TRUNCATED, "the transport was reset"};
    work();
    // What had arrived before the reset counts; an Alert may be the last of it.
    if ((events & EPOLLERR) != 0 && !is_leaving_) throw failure{reason::CHANNEL_TRUNCATED, "the transport was reset"};
  });
}

void channel::on_turn() {
  if (is_failed_) return;
  guarded([this] { work(); });
}

void channel::on_tick() {
  if (is_leaving_) {
    if (loop_.now_ms() - left_ms_ >= LEAVING_MS) depart();
    return;
  }
  if (is_failed_) return;
  const uint64_t idle_ms = route_.limits().idle_ms;
  if (application_ != nullptr && idle_ms > 0 && loop_.now_ms() - active_ms_ > idle_ms) {
    guarded([this] {
      ending_ = static_cast<uint8_t>(route::ending::idle);
      reset_stream(reset_reason::timed_out);
    });
  }
}

void channel::work() {
  receive();
  if (!is_leaving_) pump();
}

// ── operations ───────────────────────────────────────────────────────────────────────────────────────────────────────

void channel::seal(std::span<const uint8_t> message) {
  if (is_leaving_ || message.empty()) return;
  // Nothing follows our Close (§8.7).
  if (has_sent_close_ && !is_failed_) return;
  try {
    seal_message(message);
    note_rekey(message[0]);
    if (message[0] == message_type::REKEY_DONE) awaits_keys_ = false;
  } catch (const failure& broken) {
    fail(broken.reason, broken.detail);
  }
}

void channel::install_send(record_key key) {
  if (is_failed_ || is_leaving_) return;
  send_key_ = std::move(key);
}

void channel::install_receive(record_key key, bool on_epoch) {
  if (is_failed_ || is_leaving_) return;
  if (on_epoch) {
    next_receive_key_ = std::move(key);
    return;
  }
  receive_key_ = std::move(key);
}

void channel::close_when_idle() {
  if (is_failed_) return;
  guarded([this] {
    is_close_wanted_ = true;
    route_.forget(*this);
    close_if_due();
  });
}

void channel::retire() {
  may_open_ = false;
  route_.forget(*this);
}

void channel::end_operations() {
  if (is_failed_) return;
  guarded([this] { work(); });
}

bool channel::carry(application& who, uint8_t kind, std::span<const uint8_t> destination) {
  if (!can_open() || application_ != nullptr) return false;
  route_.forget(*this);
  guarded([&] {
    application_ = &who;
    who.carried_by(this);
    active_ms_ = loop_.now_ms();
    ending_ = static_cast<uint8_t>(route::ending::in_order);
    uint8_t message[MOST_OPEN_BYTES];
    const uint64_t number = lane_.open_next();
    route_.counters().add(route_counter::streams, 1);
    seal_message({message, write_open(message, number, kind, destination)});
    pump();
  });
  return true;
}

void channel::attach(uint64_t number, unique_fd fd) {
  if (is_failed_ || is_leaving_ || application_ == nullptr || number != lane_.number()) {
    close_with_reset(fd);
    return;
  }
  guarded([&] {
    application_->connected(std::move(fd));
    work();
  });
}

void channel::refuse(reset_reason why) {
  if (is_failed_ || is_leaving_ || !lane_.can_reset()) return;
  guarded([&] { reset_stream(why); });
}

void channel::on_application_ready() {
  if (is_failed_) return;
  guarded([this] { work(); });
}

void channel::on_application_broken() {
  if (is_failed_) return;
  guarded([this] { reset_stream(reset_reason::reset); });
}

// ── from the channel ─────────────────────────────────────────────────────────────────────────────────────────────────

bool channel::may_receive() const {
  if (is_failed_ || is_leaving_ || is_deaf_ || awaits_keys_) return false;
  if (application_ == nullptr) return true;
  const size_t pending = application_->pending_bytes();
  return pending == 0 || (is_rekeying_ && pending < READ_AHEAD_BYTES);
}

// What was read already comes first: it waited for keys, or for the application.
void channel::receive() {
  if (unread_ && may_receive()) open_records();
  for (int round = 0; is_readable_ && may_receive() && !has_transport_end_; ++round) {
    if (round == ROUNDS_PER_TURN) {
      loop_.schedule(*this);
      return;
    }
    make_room();
    const size_t room = unread_->capacity() - unread_end_;
    const size_t offered = loop_.buffers().is_scarce() ? std::min(room, 2 * SLOT_BYTES) : room;
    ssize_t got;
    do got = recv(*fd_, unread_->data() + unread_end_, offered, 0);
    while (got < 0 && errno == EINTR);
    if (got < 0) {
      is_readable_ = false;
      if (errno != EAGAIN) throw failure{reason::CHANNEL_TRUNCATED, "the transport was reset"};
      break;
    }
    if (got == 0) {
      has_transport_end_ = true;
      break;
    }
    unread_end_ += static_cast<size_t>(got);
    if (static_cast<size_t>(got) < offered) is_readable_ = has_fin_;
    open_records();
  }
  if (has_transport_end_ && may_receive()) throw failure{reason::CHANNEL_TRUNCATED, "without Close"};
  if (is_leaving_ || !unread_) return;
  const size_t rest = unread_end_ - unread_begin_;
  if (rest == 0) {
    unread_.reset();
  } else if (unread_->is_bulk() && (rest < SMALL_REST || loop_.buffers().is_scarce())) {
    buffer_ref small = loop_.buffers().take_small(rest);
    memcpy(small->data(), unread_->data() + unread_begin_, rest);
    unread_ = std::move(small);
    unread_begin_ = 0;
    unread_end_ = rest;
  }
}

// Room for a whole record at least behind what is there: moved to the front, or to a fresh block while pieces of this one wait.
void channel::make_room() {
  const size_t rest = unread_end_ - unread_begin_;
  const bool is_usable = unread_ && unread_->is_bulk() && !unread_->is_shared();
  if (is_usable && (unread_->capacity() - unread_end_ >= 2 * SLOT_BYTES)) return;
  if (is_usable) {
    memmove(unread_->data() + FIRST_RECORD_AT, unread_->data() + unread_begin_, rest);
  } else {
    buffer_ref fresh = loop_.buffers().take();
    if (rest > 0) memcpy(fresh->data() + FIRST_RECORD_AT, unread_->data() + unread_begin_, rest);
    unread_ = std::move(fresh);
  }
  unread_begin_ = FIRST_RECORD_AT;
  unread_end_ = FIRST_RECORD_AT + rest;
}

void channel::open_records() {
  while (!awaits_keys_ && !is_deaf_ && !is_leaving_ && unread_end_ - unread_begin_ >= HEADER_BYTES) {
    uint8_t* record = unread_->data() + unread_begin_;
    const record_header header = read_header(record, record_limit_);
    if (unread_end_ - unread_begin_ < HEADER_BYTES + header.length) break;
    unread_begin_ += HEADER_BYTES + header.length;
    record_key& key = key_for(header.epoch);
    const record_key::opened opened = key.open(record, header);
    ++changes_;
    if (std::exchange(must_be_done_, false) && (opened.type != content_type::message || opened.content[0] != message_type::REKEY_DONE)) {
      throw failure{reason::REKEY_INVALID, "RekeyDone is the first message of its epoch"};
    }
    if (opened.type == content_type::data) {
      if (assembler_.is_inside()) throw failure{reason::MALFORMED, "data within a message"};
      accept_data(opened.content, opened.length);
      continue;
    }
    const std::span<const uint8_t> message = assembler_.accept({opened.content, opened.length}, opened.is_padded, record_limit_);
    if (!message.empty()) {
      deliver_pieces();
      accept_message(message, key.epoch());
    }
  }
  if (!is_leaving_) deliver_pieces();
  if (!is_leaving_ && unread_begin_ == unread_end_ && !unread_->is_shared()) {
    unread_begin_ = FIRST_RECORD_AT;
    unread_end_ = FIRST_RECORD_AT;
    if (!unread_->is_bulk()) {
      unread_.reset();
      unread_begin_ = unread_end_ = 0;
    }
  }
}

// §9.6: the first record of a new epoch ends the old one.
record_key& channel::key_for(uint16_t epoch) {
  if (next_receive_key_ && epoch == static_cast<uint16_t>(next_receive_key_.epoch())) {
    if (assembler_.is_inside()) throw failure{reason::MALFORMED, "the epoch changes within a message"};
    receive_key_ = std::move(next_receive_key_);
    must_be_done_ = true;
  }
  if (epoch != static_cast<uint16_t>(receive_key_.epoch())) throw failure{reason::EPOCH_UNEXPECTED, ""};
  return receive_key_;
}

void channel::accept_data(uint8_t* at, size_t length) {
  has_moved_ = true;
  active_ms_ = loop_.now_ms();
  const bool is_wanted = lane_.count_received(length);
  route_.counters().add(route_counter::bytes_from_channel, static_cast<int64_t>(length));
  if (!is_wanted || application_ == nullptr) return;
  pieces_.push_back({at, length});
  if (pieces_.size() >= MOST_PIECES) deliver_pieces();
}

void channel::deliver_pieces() {
  if (pieces_.empty()) return;
  const bool is_taken = application_ == nullptr || application_->deliver(unread_, pieces_);
  pieces_.clear();
  if (!is_taken) reset_stream(reset_reason::reset);
}

void channel::accept_message(std::span<const uint8_t> message, uint32_t epoch) {
  const uint8_t type = message[0];
  const std::span<const uint8_t> body = message.subspan(MESSAGE_HEADER_BYTES);
  switch (type) {
    case message_type::OPEN:
      return accept_open(message);
    case message_type::END:
      return accept_end(body);
    case message_type::RESET:
      return accept_reset(body);
    case message_type::CLOSE:
      return accept_close(body);
    case message_type::RETIRE:
      retire();
      break;
    case message_type::ALERT:
      is_deaf_ = true;
      break;
    case message_type::REKEY_FINISH:
      awaits_keys_ = side_ == side::server;
      break;
    default:
      break;
  }
  note_rekey(type);
  loop_.report({.kind = event_kind::message,
                .id = id_,
                .epoch = epoch,
                .has_moved = std::exchange(has_moved_, false),
                .bytes = {message.begin(), message.end()}});
}

void channel::accept_open(std::span<const uint8_t> message) {
  if (side_ == side::client) throw failure{reason::UNEXPECTED_MESSAGE, "Open from a server"};
  const open_message open = read_open(message.subspan(MESSAGE_HEADER_BYTES));
  lane_.accept_open(open.number);
  route_.counters().add(route_counter::streams, 1);
  ending_ = static_cast<uint8_t>(route::ending::in_order);
  active_ms_ = loop_.now_ms();
  application_ = &route_.make_application();
  application_->carried_by(this);
  const bool is_plain = open.kind == 0 && open.destination.empty() && !open.has_extensions;
  if (is_plain && route_.has_targets()) {
    route_.dial(*application_);
  } else {
    loop_.report({.kind = event_kind::open, .id = id_, .number = open.number, .bytes = {message.begin(), message.end()}});
  }
}

void channel::accept_end(std::span<const uint8_t> body) {
  const end_message end = read_end(body);
  lane_.accept_end(end.number, end.bytes);
  if (application_ != nullptr) application_->deliver_end();
  after_stream_change();
}

void channel::accept_reset(std::span<const uint8_t> body) {
  const reset_message reset = read_reset(body);
  if (!lane_.accept_reset(reset.number)) return;
  if (ending_ == static_cast<uint8_t>(route::ending::in_order)) ending_ = static_cast<uint8_t>(route::ending::reset);
  drop_application();
  // §8.4: a direction of ours that is still open ends with a Reset of its own.
  if (lane_.can_send()) {
    lane_.reset();
    uint8_t answer[MOST_MESSAGE_BYTES];
    seal_message({answer, write_reset(answer, lane_.number(), reset_reason::reset)});
  }
  after_stream_change();
}

void channel::accept_close(std::span<const uint8_t> body) {
  const uint64_t bytes = read_close(body);
  if (side_ == side::client && !has_sent_close_) throw failure{reason::UNEXPECTED_MESSAGE, "Close from a server"};
  if (!lane_.is_idle()) throw failure{reason::STREAM_INVALID, "Close while a stream is open"};
  if (bytes != lane_.total_received()) throw failure{reason::CLOSE_COUNT_MISMATCH, "Close with another count than arrived"};
  if (side_ == side::server) {
    uint8_t answer[MOST_MESSAGE_BYTES];
    seal_message({answer, write_close(answer, lane_.total_sent())});
  }
  finish();
}

// ── to the channel ───────────────────────────────────────────────────────────────────────────────────────────────────

void channel::pump() {
  for (int round = 0; application_ != nullptr && lane_.can_send() && out_.empty() && application_->is_readable(); ++round) {
    if (round == ROUNDS_PER_TURN) {
      loop_.schedule(*this);
      return;
    }
    if (staged_ && staged_->capacity() - staged_end_ < LEAST_ROOM + RECORD_OVERHEAD) flush_staged();
    uint8_t* const first = stage(0);
    size_t room = staged_->capacity() - staged_end_;
    const size_t limit = std::min<size_t>(BULK_CONTENT, record_limit_);
    iovec slots[BULK_RECORDS];
    const size_t most = loop_.buffers().is_scarce() ? 1 : BULK_RECORDS;
    size_t count = 0;
    for (uint8_t* at = first; count < most && room > RECORD_OVERHEAD; ++count) {
      const size_t length = std::min(limit, room - RECORD_OVERHEAD);
      slots[count] = {at + HEADER_BYTES, length};
      at += length + RECORD_OVERHEAD;
      room -= length + RECORD_OVERHEAD;
    }
    size_t taken = 0;
    switch (application_->read({slots, count}, taken)) {
      case application::outcome::nothing:
        return;
      case application::outcome::end:
        end_stream();
        return;
      case application::outcome::broken:
        reset_stream(reset_reason::reset);
        return;
      case application::outcome::bytes:
        break;
    }
    lane_.count_sent(taken);
    has_moved_ = true;
    ++changes_;
    active_ms_ = loop_.now_ms();
    route_.counters().add(route_counter::bytes_to_channel, static_cast<int64_t>(taken));
    for (size_t i = 0; taken > 0; ++i) {
      const size_t length = std::min(taken, slots[i].iov_len);
      staged_end_ += send_key_.seal(static_cast<uint8_t*>(slots[i].iov_base) - HEADER_BYTES, length, content_type::data);
      taken -= length;
    }
    if (staged_end_ - staged_begin_ >= SLOT_BYTES) flush_staged();
  }
}

void channel::end_stream() {
  lane_.end();
  uint8_t message[MOST_MESSAGE_BYTES];
  seal_message({message, write_end(message, lane_.number(), lane_.sent_bytes())});
  after_stream_change();
}

// The application is gone, or has to go.
void channel::reset_stream(reset_reason why) {
  if (ending_ == static_cast<uint8_t>(route::ending::in_order)) ending_ = static_cast<uint8_t>(route::ending::reset);
  drop_application();
  if (!lane_.can_reset()) return;
  lane_.reset();
  uint8_t message[MOST_MESSAGE_BYTES];
  seal_message({message, write_reset(message, lane_.number(), why)});
  after_stream_change();
}

void channel::drop_application() {
  pieces_.clear();
  if (application_ != nullptr) std::exchange(application_, nullptr)->abort();
}

void channel::after_stream_change() {
  if (!lane_.is_idle() || lane_.number() == last_over_) return;
  last_over_ = lane_.number();
  ++changes_;
  if (application_ != nullptr) std::exchange(application_, nullptr)->leave();
  route_.count(static_cast<route::ending>(ending_));
  if (route_.limits().reports_over) loop_.report({.kind = event_kind::over, .id = id_, .epoch = ending_, .number = lane_.number()});
  close_if_due();
  if (side_ == side::client && can_open()) route_.give_back(*this);
}

void channel::close_if_due() {
  if (!is_close_wanted_ || has_sent_close_ || !lane_.is_idle()) return;
  uint8_t message[MOST_MESSAGE_BYTES];
  seal_message({message, write_close(message, lane_.total_sent())});
  has_sent_close_ = true;
  loop_.report({.kind = event_kind::closing, .id = id_});
}

bool channel::can_open() const {
  return side_ == side::client && lane_.is_idle() && may_open_ && !is_close_wanted_ && !is_failed_ && !is_leaving_;
}

// Where `length` more sealed bytes will lie, behind those of this turn. Not counted as staged yet.
uint8_t* channel::stage(size_t length) {
  if (staged_ && staged_->capacity() - staged_end_ < length) flush_staged();
  if (!staged_) {
    // What has to wait anyway takes no more than it needs.
    const bool is_waiting = !out_.empty() && length > 0;
    staged_ = is_waiting ? loop_.buffers().take_small(FIRST_RECORD_AT + length) : loop_.buffers().take();
    staged_begin_ = staged_end_ = FIRST_RECORD_AT;
  }
  return staged_->data() + staged_end_;
}

void channel::seal_message(std::span<const uint8_t> message) {
  for (size_t at = 0; at < message.size(); at += record_limit_) {
    const size_t length = std::min<size_t>(record_limit_, message.size() - at);
    uint8_t* record = stage(length + RECORD_OVERHEAD);
    memcpy(record + HEADER_BYTES, message.data() + at, length);
    staged_end_ += send_key_.seal(record, length, content_type::message);
  }
}

void channel::flush_staged() {
  if (!staged_) return;
  const piece sealed{staged_->data() + staged_begin_, staged_end_ - staged_begin_};
  const buffer_ref holder = std::move(staged_);
  if (sealed.length > 0 && fd_ && out_.write(*fd_, holder, {&sealed, 1}) == flow::broken) {
    throw failure{reason::CHANNEL_TRUNCATED, "the transport was reset"};
  }
}

void channel::note_rekey(uint8_t type) {
  if (type >= message_type::REKEY_WISH && type <= message_type::REKEY_FINISH) is_rekeying_ = true;
  if (type == message_type::REKEY_DONE) is_rekeying_ = false;
}

void channel::check_due() {
  const auto is_reached = [this](const record_key& key) { return key.records() >= soft_records_ || key.bytes() >= soft_bytes_; };
  const bool is_send_due = send_due_epoch_ != send_key_.epoch() && is_reached(send_key_);
  const bool is_receive_due = receive_due_epoch_ != receive_key_.epoch() && is_reached(receive_key_);
  if (!is_send_due && !is_receive_due) return;
  if (is_send_due) send_due_epoch_ = send_key_.epoch();
  if (is_receive_due) receive_due_epoch_ = receive_key_.epoch();
  publish();
  loop_.report({.kind = event_kind::due, .id = id_, .has_moved = std::exchange(has_moved_, false)});
}

}  // namespace xps::plane
