#include "messages.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "failure.h"

namespace xps::plane {
namespace {

uint64_t load_be(const uint8_t* p, size_t width) {
  uint64_t value = 0;
  for (size_t i = 0; i < width; ++i) value = value << 8 | p[i];
  return value;
}

uint8_t* store_be(uint8_t* p, uint64_t value, size_t width) {
  for (size_t i = 0; i < width; ++i) p[i] = static_cast<uint8_t>(value >> (8 * (width - 1 - i)));
  return p + width;
}

void require_length(std::span<const uint8_t> body, size_t length, const char* detail) {
  if (body.size() != length) throw failure{reason::MALFORMED, detail};
}

uint8_t* write_header(uint8_t* to, uint8_t type, size_t body) {
  to[0] = type;
  return store_be(to + 1, body, 3);
}

size_t message_length(std::span<const uint8_t> content) {
  if (content.size() < MESSAGE_HEADER_BYTES) throw failure{reason::MALFORMED, "less than a message header"};
  const size_t body = load_be(content.data() + 1, 3);
  if (body > body_limit(content[0])) throw failure{reason::MALFORMED, "a message above the limit of its type"};
  return MESSAGE_HEADER_BYTES + body;
}

}  // namespace

size_t body_limit(uint8_t type) {
  switch (type) {
    case 0x01:
    case 0x02:
      return 8188;
    case 0x03:
      return 65;
    case 0x04:
      return 4096;
    case 0x05:
      return 45'056;
    case 0x06:
      return 1028;
    case 0x07:
      return 48;
    case 0x08:
    case 0x0f:
    case message_type::RETIRE:
      return 0;
    case message_type::REKEY_WISH:
    case message_type::REKEY_DONE:
      return 4;
    case message_type::REKEY_REQUEST:
      return 2048;
    case message_type::REKEY_RESPONSE:
    case message_type::REKEY_FINISH:
      return 49'152;
    case message_type::OPEN:
      return 1536;
    case message_type::END:
      return 16;
    case message_type::RESET:
      return 9;
    case 0x30:
    case 0x31:
    case message_type::CLOSE:
      return 8;
    case 0x32:
      return 64;
    case message_type::ALERT:
      return 1;
    default:
      throw failure{reason::UNEXPECTED_MESSAGE, "a message of unknown type"};
  }
}

open_message read_open(std::span<const uint8_t> body) {
  if (body.size() < 13) throw failure{reason::MALFORMED, "Open is too short"};
  const size_t destination = load_be(body.data() + 9, 2);
  if (destination > MOST_DESTINATION_BYTES || body.size() < 13 + destination) throw failure{reason::MALFORMED, "the destination of Open"};
  const size_t extensions = load_be(body.data() + 11 + destination, 2);
  if (extensions > 256 || body.size() != 13 + destination + extensions) throw failure{reason::MALFORMED, "the extensions of Open"};
  return {load_be(body.data(), 8), body[8], body.subspan(11, destination), extensions > 0};
}

end_message read_end(std::span<const uint8_t> body) {
  require_length(body, 16, "End");
  return {load_be(body.data(), 8), load_be(body.data() + 8, 8)};
}

reset_message read_reset(std::span<const uint8_t> body) {
  require_length(body, 9, "Reset");
  if (body[8] >= RESET_REASONS) throw failure{reason::MALFORMED, "unknown reset reason"};
  return {load_be(body.data(), 8), static_cast<reset_reason>(body[8])};
}

uint64_t read_close(std::span<const uint8_t> body) {
  require_length(body, 8, "Close");
  return load_be(body.data(), 8);
}

size_t write_open(uint8_t* to, uint64_t number, uint8_t kind, std::span<const uint8_t> destination) {
  uint8_t* at = store_be(write_header(to, message_type::OPEN, 13 + destination.size()), number, 8);
  *at++ = kind;
  at = store_be(at, destination.size(), 2);
  if (!destination.empty()) memcpy(at, destination.data(), destination.size());
  return static_cast<size_t>(store_be(at + destination.size(), 0, 2) - to);
}

size_t write_end(uint8_t* to, uint64_t number, uint64_t bytes) {
  return static_cast<size_t>(store_be(store_be(write_header(to, message_type::END, 16), number, 8), bytes, 8) - to);
}

size_t write_reset(uint8_t* to, uint64_t number, reset_reason why) {
  uint8_t* at = store_be(write_header(to, message_type::RESET, 9), number, 8);
  *at++ = static_cast<uint8_t>(why);
  return static_cast<size_t>(at - to);
}

size_t write_close(uint8_t* to, uint64_t bytes) {
  return static_cast<size_t>(store_be(write_header(to, message_type::CLOSE, 8), bytes, 8) - to);
}

std::span<const uint8_t> message_assembler::accept(std::span<const uint8_t> content, bool is_padded, uint32_t content_limit) {
  done_ = {};
  if (!is_inside()) {
    expected_ = message_length(content);
    if (expected_ <= content_limit) {
      if (content.size() != expected_) throw failure{reason::MALFORMED, "a record does not hold exactly one message"};
      return content;
    }
    partial_.reserve(expected_);
  }
  const size_t expected = std::min<size_t>(content_limit, expected_ - partial_.size());
  const bool is_last = partial_.size() + expected == expected_;
  if (content.size() != expected || (is_padded && !is_last)) throw failure{reason::MALFORMED, "a message is not cut as it must be"};
  partial_.insert(partial_.end(), content.begin(), content.end());
  if (!is_last) return {};
  done_ = std::move(partial_);
  partial_ = {};
  return done_;
}

}  // namespace xps::plane
