#include "record.h"

#include <cstring>

#include "failure.h"

namespace xps::plane {
namespace {

uint32_t load32_be(const uint8_t* p) { return uint32_t{p[0]} << 24 | uint32_t{p[1]} << 16 | uint32_t{p[2]} << 8 | p[3]; }

void store32_be(uint8_t* p, uint32_t value) {
  p[0] = static_cast<uint8_t>(value >> 24);
  p[1] = static_cast<uint8_t>(value >> 16);
  p[2] = static_cast<uint8_t>(value >> 8);
  p[3] = static_cast<uint8_t>(value);
}

}  // namespace

record_header read_header(const uint8_t* bytes, uint32_t content_limit) {
  if (bytes[0] == FORM_PLAIN) throw failure{reason::UNEXPECTED_PLAIN_RECORD, ""};
  if (bytes[0] != FORM_PROTECTED) throw failure{reason::NOT_A_SIDECAR, "the first byte is no record form"};
  if (bytes[1] != 0) throw failure{reason::RECORD_HEADER_INVALID, "reserved bits are set"};
  const uint32_t length = load32_be(bytes + 4);
  if (length < 1 + TAG_BYTES) throw failure{reason::RECORD_HEADER_INVALID, "the length is below 17"};
  if (length > content_limit + 1 + TAG_BYTES) throw failure{reason::RECORD_TOO_LONG, "the length is above the record limit"};
  return {static_cast<uint16_t>(bytes[2] << 8 | bytes[3]), length};
}

record_key::record_key(record_cipher cipher, uint32_t epoch, const uint8_t* iv, uint64_t records, uint64_t bytes)
    : cipher_(std::move(cipher)), epoch_(epoch), next_(records), bytes_(bytes) {
  memcpy(iv_, iv, nonce_bytes(cipher_.algorithm()));
}

record_key& record_key::operator=(record_key&& other) noexcept {
  if (this == &other) return *this;
  cipher_ = std::move(other.cipher_);
  other.cipher_ = record_cipher();
  memcpy(iv_, other.iv_, sizeof iv_);
  explicit_bzero(other.iv_, sizeof other.iv_);
  epoch_ = other.epoch_;
  next_ = other.next_;
  bytes_ = other.bytes_;
  return *this;
}

record_key::~record_key() { explicit_bzero(iv_, sizeof iv_); }

void record_key::take_nonce(uint8_t* nonce, uint8_t* aad, const uint8_t* header) {
  if (next_ >= HARD_RECORD_LIMIT) throw failure{reason::KEY_EXHAUSTED, "the hard limit of records under one key"};
  const uint64_t sequence = next_++;
  memcpy(aad, header, HEADER_BYTES);
  store32_be(aad + 8, static_cast<uint32_t>(sequence >> 32));
  store32_be(aad + 12, static_cast<uint32_t>(sequence));
  const size_t length = nonce_bytes(cipher_.algorithm());
  memcpy(nonce, iv_, length);
  for (size_t i = 0; i < 8; ++i) nonce[length - 8 + i] ^= aad[8 + i];
}

size_t record_key::seal(uint8_t* record, size_t length, content_type type) {
  if (type == content_type::data && next_ >= HARD_RECORD_LIMIT - RESERVED_RECORDS) {
    throw failure{reason::KEY_EXHAUSTED, "the rekey did not come in time"};
  }
  const size_t inner = length + 1;
  record[0] = FORM_PROTECTED;
  record[1] = 0;
  record[2] = static_cast<uint8_t>(epoch_ >> 8);
  record[3] = static_cast<uint8_t>(epoch_);
  store32_be(record + 4, static_cast<uint32_t>(inner + TAG_BYTES));
  uint8_t* payload = record + HEADER_BYTES;
  payload[length] = static_cast<uint8_t>(type);
  uint8_t nonce[24], aad[16];
  take_nonce(nonce, aad, record);
  cipher_.seal(nonce, aad, payload, inner, payload, payload + inner);
  bytes_ += length;
  return HEADER_BYTES + inner + TAG_BYTES;
}

record_key::opened record_key::open(uint8_t* record, const record_header& header) {
  uint8_t nonce[24], aad[16];
  take_nonce(nonce, aad, record);
  uint8_t* inner = record + HEADER_BYTES;
  const size_t length = header.length - TAG_BYTES;
  if (!cipher_.open(nonce, aad, inner, length, inner + length, inner)) throw failure{reason::RECORD_FORGED, ""};
  size_t type_at = length - 1;
  while (type_at > 0 && inner[type_at] == 0) --type_at;
  if (type_at == 0) throw failure{reason::RECORD_CONTENT_INVALID, "a record without content"};
  const uint8_t type = inner[type_at];
  if (type != static_cast<uint8_t>(content_type::message) && type != static_cast<uint8_t>(content_type::data)) {
    throw failure{reason::RECORD_CONTENT_INVALID, "an unknown content type"};
  }
  bytes_ += type_at;
  return {static_cast<content_type>(type), inner, type_at, type_at != length - 1};
}

}  // namespace xps::plane
