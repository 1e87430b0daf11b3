// libFuzzer: what a peer's authenticated bytes can do to the plane's parsers and rules. The input is a sequence of steps; broken
// rules are thrown as failures, and nothing else may happen.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "../../record/native/plane/failure.h"
#include "../../record/native/plane/messages.h"
#include "../../record/native/plane/record.h"
#include "../../record/native/plane/stream_lane.h"

namespace {

using namespace xps::plane;

void accept(stream_lane& lane, std::span<const uint8_t> message) {
  const std::span<const uint8_t> body = message.subspan(MESSAGE_HEADER_BYTES);
  switch (message[0]) {
    case message_type::OPEN: {
      const open_message open = read_open(body);
      if (open.destination.size() > body.size()) abort();
      lane.accept_open(open.number);
      break;
    }
    case message_type::END: {
      const end_message end = read_end(body);
      lane.accept_end(end.number, end.bytes);
      break;
    }
    case message_type::RESET:
      if (lane.accept_reset(read_reset(body).number) && lane.can_reset()) lane.reset();
      break;
    case message_type::CLOSE:
      read_close(body);
      break;
    default:
      break;
  }
  if (lane.is_idle() == (lane.can_send() || lane.can_receive())) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr uint32_t limit = 16'384;
  stream_lane lane;
  message_assembler assembler;
  std::span<const uint8_t> rest(data, size);
  try {
    while (rest.size() >= 3) {
      const uint8_t step = rest[0];
      const size_t length = std::min<size_t>(rest.size() - 3, std::max<size_t>(1, (size_t{rest[1]} << 8 | rest[2]) % (limit + 1)));
      const std::span<const uint8_t> piece = rest.subspan(3, length);
      rest = rest.subspan(3 + length);
      if (piece.empty()) break;
      if (step % 4 == 0) {
        lane.count_received(piece.size());
      } else if (step % 4 == 1 && piece.size() >= HEADER_BYTES) {
        const record_header header = read_header(piece.data(), limit);
        if (header.length < 17 || header.length > limit + 17) abort();
      } else if (step % 4 == 2 && lane.can_send()) {
        lane.end();
      } else {
        const std::span<const uint8_t> message = assembler.accept(piece, (step & 0x80) != 0, limit);
        if (!message.empty()) accept(lane, message);
      }
    }
  } catch (const failure&) {
  }
  return 0;
}
