// The messages that the plane itself reads and writes: docs/PROTOCOL.md §3.1, §3.3, §8. Every other one goes up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace xps::plane {

inline constexpr size_t MESSAGE_HEADER_BYTES = 4;

namespace message_type {
inline constexpr uint8_t REKEY_WISH = 0x10, REKEY_REQUEST = 0x11, REKEY_RESPONSE = 0x12, REKEY_FINISH = 0x13, REKEY_DONE = 0x14;
inline constexpr uint8_t OPEN = 0x20, END = 0x21, RESET = 0x22, ALERT = 0x33, CLOSE = 0x34, RETIRE = 0x35;
}  // namespace message_type

// §8.4.
enum class reset_reason : uint8_t { reset, unreachable, not_permitted, timed_out, shutting_down };
inline constexpr uint8_t RESET_REASONS = 5;

// Body limits of §3.3. Throws for a type that is not in the table.
size_t body_limit(uint8_t type);

struct open_message {
  uint64_t number;
  uint8_t kind;  // 0: the configured target
  std::span<const uint8_t> destination;
  bool has_extensions;
};

struct end_message {
  uint64_t number;
  uint64_t bytes;
};

struct reset_message {
  uint64_t number;
  reset_reason why;
};

// Bodies, without the message header. They throw `malformed`.
open_message read_open(std::span<const uint8_t> body);
end_message read_end(std::span<const uint8_t> body);
reset_message read_reset(std::span<const uint8_t> body);
uint64_t read_close(std::span<const uint8_t> body);

// Whole messages, written to `to`; they return the length, at most MOST_MESSAGE_BYTES, or for Open 15 more than the destination.
inline constexpr size_t MOST_MESSAGE_BYTES = MESSAGE_HEADER_BYTES + 16;
inline constexpr size_t MOST_DESTINATION_BYTES = 1024;
inline constexpr size_t MOST_OPEN_BYTES = MESSAGE_HEADER_BYTES + 8 + 1 + 2 + MOST_DESTINATION_BYTES + 2;
size_t write_open(uint8_t* to, uint64_t number, uint8_t kind, std::span<const uint8_t> destination);
size_t write_end(uint8_t* to, uint64_t number, uint64_t bytes);
size_t write_reset(uint8_t* to, uint64_t number, reset_reason why);
size_t write_close(uint8_t* to, uint64_t bytes);

// Puts messages together from the contents of MESSAGE records. One right way to cut a message (§3.1), every other is
// refused; nothing is kept for a length before its type has judged it. The twin of channel/message-assembler.ts.
class message_assembler {
 public:
  bool is_inside() const noexcept { return !partial_.empty(); }

  // The whole message if this record completes one, else empty. The view is valid until the next call, and as long as `content`.
  std::span<const uint8_t> accept(std::span<const uint8_t> content, bool is_padded, uint32_t content_limit);

 private:
  std::vector<uint8_t> partial_;  // what came so far
  std::vector<uint8_t> done_;
  size_t expected_ = 0;
};

}  // namespace xps::plane
