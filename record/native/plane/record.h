// Protected records: docs/PROTOCOL.md §2.3 to §2.6. The readable twin is record/sealer.ts and record/opener.ts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "../record_cipher.h"

namespace xps::plane {

inline constexpr size_t HEADER_BYTES = 8;
inline constexpr uint8_t FORM_PLAIN = 0x58;
inline constexpr uint8_t FORM_PROTECTED = 0x59;
// What a record adds to its content: header, content type, tag.
inline constexpr size_t RECORD_OVERHEAD = HEADER_BYTES + 1 + TAG_BYTES;
// Content of a record in bulk: a record fills a slot of 64 KiB, so that every payload in a row begins on a cache line.
inline constexpr size_t SLOT_BYTES = 65536;
inline constexpr size_t BULK_CONTENT = SLOT_BYTES - RECORD_OVERHEAD;
// docs/PROTOCOL.md §13: 2^22.5. DATA stops RESERVED_RECORDS before it, so that a last Alert can still be said.
inline constexpr uint64_t HARD_RECORD_LIMIT = 5'931'641;
inline constexpr uint64_t RESERVED_RECORDS = 8;

enum class content_type : uint8_t { message = 1, data = 2 };

struct record_header {
  uint16_t epoch;  // low 16 bits
  uint32_t length;  // bytes that follow
};

// Reads 8 bytes. Throws a failure before anything is done for a length that is not legal.
record_header read_header(const uint8_t* bytes, uint32_t content_limit);

// Key, IV and sequence number of one direction and epoch (§2.5). A number is used once; at the hard limit it throws.
class record_key {
 public:
  record_key() = default;
  // `iv` is nonce_bytes(cipher.algorithm()) long.
  record_key(record_cipher cipher, uint32_t epoch, const uint8_t* iv, uint64_t records, uint64_t bytes);
  record_key(record_key&& other) noexcept { *this = std::move(other); }
  record_key& operator=(record_key&& other) noexcept;
  ~record_key();

  explicit operator bool() const noexcept { return static_cast<bool>(cipher_); }
  uint32_t epoch() const noexcept { return epoch_; }
  uint64_t records() const noexcept { return next_; }
  uint64_t bytes() const noexcept { return bytes_; }

  // `record` has room for the header, holds `length` bytes of content behind it, and has room for 17 more. Returns the
  // length of the whole record.
  size_t seal(uint8_t* record, size_t length, content_type type);

  struct opened {
    content_type type;
    uint8_t* content;
    size_t length;
    bool is_padded;
  };
  // Opens header and payload in place. Throws what record/opener.ts throws.
  opened open(uint8_t* record, const record_header& header);

 private:
  void take_nonce(uint8_t* nonce, uint8_t* aad, const uint8_t* header);

  record_cipher cipher_;
  uint8_t iv_[24] = {};
  uint32_t epoch_ = 0;
  uint64_t next_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace xps::plane
