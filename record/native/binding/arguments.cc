#include "arguments.h"

namespace xps {
namespace {

bool wrong_type(napi_env env, const char* name, const char* expected) {
  throw_type_error(env, std::string(name) + " must be a " + expected);
  return false;
}

}  // namespace

bool read_bytes(napi_env env, napi_value value, const char* name, std::span<uint8_t>& bytes) {
  napi_typedarray_type type;
  size_t length = 0;
  void* memory = nullptr;
  if (napi_get_typedarray_info(env, value, &type, &length, &memory, nullptr, nullptr) != napi_ok ||
      type != napi_uint8_array) {
    return wrong_type(env, name, "Uint8Array");
  }
  bytes = {static_cast<uint8_t*>(memory), length};
  return true;
}

bool read_words(napi_env env, napi_value value, const char* name, std::span<const uint32_t>& words) {
  napi_typedarray_type type;
  size_t length = 0;
  void* memory = nullptr;
  if (napi_get_typedarray_info(env, value, &type, &length, &memory, nullptr, nullptr) != napi_ok ||
      type != napi_uint32_array) {
    return wrong_type(env, name, "Uint32Array");
  }
  words = {static_cast<const uint32_t*>(memory), length};
  return true;
}

bool read_number(napi_env env, napi_value value, const char* name, uint64_t limit, uint64_t& number) {
  double read = 0;
  if (napi_get_value_double(env, value, &read) != napi_ok) return wrong_type(env, name, "number");
  // Written so that NaN fails.
  if (!(read >= 0 && read <= static_cast<double>(limit)) || read != static_cast<double>(static_cast<uint64_t>(read))) {
    throw_range_error(env, std::string(name) + " must be a whole number from 0 to " + std::to_string(limit));
    return false;
  }
  number = static_cast<uint64_t>(read);
  return true;
}

bool read_text(napi_env env, napi_value value, const char* name, std::string& text) {
  char buffer[201];
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, buffer, sizeof buffer, &length) != napi_ok) {
    return wrong_type(env, name, "string");
  }
  text.assign(buffer, length);
  return true;
}

napi_value throw_type_error(napi_env env, const std::string& message) {
  napi_throw_type_error(env, "ERR_XPS_ARGUMENT", message.c_str());
  return nullptr;
}

napi_value throw_range_error(napi_env env, const std::string& message) {
  napi_throw_range_error(env, "ERR_XPS_ARGUMENT", message.c_str());
  return nullptr;
}

napi_value make_number(napi_env env, double value) {
  napi_value made = nullptr;
  napi_create_double(env, value, &made);
  return made;
}

napi_value make_text(napi_env env, const char* text) {
  napi_value made = nullptr;
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &made);
  return made;
}

napi_value make_boolean(napi_env env, bool value) {
  napi_value made = nullptr;
  napi_get_boolean(env, value, &made);
  return made;
}

bool set(napi_env env, napi_value object, const char* name, napi_value value) {
  return value != nullptr && napi_set_named_property(env, object, name, value) == napi_ok;
}

bool set_function(napi_env env, napi_value object, const char* name, napi_callback function, void* instance) {
  napi_value made = nullptr;
  return napi_create_function(env, name, NAPI_AUTO_LENGTH, function, instance, &made) == napi_ok &&
         set(env, object, name, made);
}

}  // namespace xps
