// Why a channel ends, by the names of base/reasons.ts.
#pragma once

namespace xps::plane {

namespace reason {
inline constexpr const char* NOT_A_SIDECAR = "not_a_sidecar";
inline constexpr const char* RECORD_HEADER_INVALID = "record_header_invalid";
inline constexpr const char* RECORD_TOO_LONG = "record_too_long";
inline constexpr const char* RECORD_CONTENT_INVALID = "record_content_invalid";
inline constexpr const char* RECORD_FORGED = "record_forged";
inline constexpr const char* EPOCH_UNEXPECTED = "epoch_unexpected";
inline constexpr const char* KEY_EXHAUSTED = "key_exhausted";
inline constexpr const char* UNEXPECTED_PLAIN_RECORD = "unexpected_plain_record";
inline constexpr const char* UNEXPECTED_MESSAGE = "unexpected_message";
inline constexpr const char* MALFORMED = "malformed";
inline constexpr const char* STREAM_INVALID = "stream_invalid";
inline constexpr const char* CLOSE_COUNT_MISMATCH = "close_count_mismatch";
inline constexpr const char* REKEY_INVALID = "rekey_invalid";
inline constexpr const char* CHANNEL_TRUNCATED = "channel_truncated";
inline constexpr const char* INTERNAL_ERROR = "internal_error";
}  // namespace reason

// Thrown where a rule is broken, caught where the channel is entered. Texts are constant: nothing of a peer is in them.
struct failure {
  const char* reason;
  const char* detail;
};

}  // namespace xps::plane
