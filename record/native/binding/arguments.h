// Arguments of functions called from JavaScript: each one checked, a mistake thrown as a TypeError or RangeError. Nothing
// here trusts its caller, and nothing aborts the process.
#pragma once

#include <node_api.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace xps {

// The arguments of one call; COUNT of them exactly.
template <size_t COUNT>
struct arguments {
  napi_value values[COUNT] = {};
  void* instance = nullptr;

  // False after throwing.
  bool read(napi_env env, napi_callback_info call) {
    size_t count = COUNT;
    if (napi_get_cb_info(env, call, &count, values, nullptr, &instance) != napi_ok) return false;
    if (count == COUNT) return true;
    napi_throw_type_error(env, "ERR_XPS_ARGUMENT", "wrong number of arguments");
    return false;
  }
};

// The bytes of a Uint8Array (or Buffer). False after throwing.
bool read_bytes(napi_env env, napi_value value, const char* name, std::span<uint8_t>& bytes);
bool read_words(napi_env env, napi_value value, const char* name, std::span<const uint32_t>& words);  // Uint32Array

// A whole number from 0 to `limit`. False after throwing.
bool read_number(napi_env env, napi_value value, const char* name, uint64_t limit, uint64_t& number);

// At most 200 bytes of a string; longer ones come out cut, and so match nothing. False after throwing.
bool read_text(napi_env env, napi_value value, const char* name, std::string& text);

napi_value throw_type_error(napi_env env, const std::string& message);
napi_value throw_range_error(napi_env env, const std::string& message);

// Results. nullptr only when the environment is being torn down.
napi_value make_number(napi_env env, double value);
napi_value make_text(napi_env env, const char* text);
napi_value make_boolean(napi_env env, bool value);
bool set(napi_env env, napi_value object, const char* name, napi_value value);
bool set_function(napi_env env, napi_value object, const char* name, napi_callback function, void* instance);

// Same start, or no byte in common.
inline bool is_in_place_or_apart(std::span<const uint8_t> a, std::span<const uint8_t> b) {
  const auto a0 = reinterpret_cast<uintptr_t>(a.data()), b0 = reinterpret_cast<uintptr_t>(b.data());
  return a0 == b0 || a0 + a.size() <= b0 || b0 + b.size() <= a0;
}

inline bool is_apart(std::span<const uint8_t> a, std::span<const uint8_t> b) {
  const auto a0 = reinterpret_cast<uintptr_t>(a.data()), b0 = reinterpret_cast<uintptr_t>(b.data());
  return a0 + a.size() <= b0 || b0 + b.size() <= a0;
}

}  // namespace xps
