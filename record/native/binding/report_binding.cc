// What `xpscerpto engines` shows of the addon, and the one setting: which instruction sets may be used.
#include "../dispatch/cpu.h"
#include "../dispatch/dispatch.h"
#include "../locked_memory.h"
#include "arguments.h"
#include "bindings.h"

namespace xps {
namespace {

const char* name_of(verdict outcome) {
  switch (outcome) {
    case verdict::unused: return "unused";
    case verdict::lacks_isa: return "lacks_isa";
    case verdict::masked: return "masked";
    case verdict::failed_answers: return "failed_answers";
    case verdict::usable: return "usable";
  }
  return "unused";
}

const char* name_of(operation does) {
  return does == operation::aes_256_gcm ? "aes-256-gcm" : "chacha20-poly1305";
}

template <class Fill>
napi_value make_array(napi_env env, size_t length, Fill fill) {
  napi_value array = nullptr;
  if (napi_create_array_with_length(env, length, &array) != napi_ok) return nullptr;
  for (size_t i = 0; i < length; i++) {
    napi_value element = fill(i);
    if (element == nullptr || napi_set_element(env, array, static_cast<uint32_t>(i), element) != napi_ok) return nullptr;
  }
  return array;
}

napi_value make_isa_names(napi_env env, uint32_t isa) {
  const char* names[ISA_COUNT];
  size_t count = 0;
  for (const isa_name& known : ISA_NAMES) {
    if ((isa & known.bit) != 0) names[count++] = known.name.data();
  }
  return make_array(env, count, [&](size_t i) { return make_text(env, names[i]); });
}

napi_value make_trial(napi_env env, const trial& t) {
  napi_value made = nullptr;
  const bool was_made =
      napi_create_object(env, &made) == napi_ok && set(env, made, "name", make_text(env, t.tried->name)) &&
      set(env, made, "operation", make_text(env, name_of(t.tried->does))) &&
      set(env, made, "requires", make_isa_names(env, t.tried->required)) &&
      set(env, made, "vectorBits", make_number(env, t.tried->vector_bits)) &&
      set(env, made, "isConstantTime", make_boolean(env, t.tried->constant_time)) &&
      set(env, made, "verdict", make_text(env, name_of(t.outcome))) &&
      set(env, made, "nanoseconds",
          make_array(env, BUCKET_COUNT, [&](size_t b) { return make_number(env, static_cast<double>(t.nanoseconds[b])); }));
  return was_made ? made : nullptr;
}

napi_value make_winners(napi_env env, const dispatch_table& table, operation does) {
  return make_array(env, BUCKET_COUNT, [&](size_t bucket) {
    const kernel* winner = table.winner(does, BUCKETS[bucket]);
    return make_text(env, winner == nullptr ? "" : winner->name);
  });
}

// report() → see NativeReport in engines/native-addon.ts
napi_value report(napi_env env, napi_callback_info) {
  const dispatch_table& table = dispatch();
  const locked_memory_usage memory = usage_of_locked_memory();
  napi_value made = nullptr, winners = nullptr;
  const bool was_made =
      napi_create_object(env, &made) == napi_ok && napi_create_object(env, &winners) == napi_ok &&
      set(env, made, "cpu", make_isa_names(env, cpu_isa())) &&
      set(env, made, "allowed", make_isa_names(env, cpu_isa() & allowed_isa())) &&
      set(env, made, "wideVectorsCostClock", make_boolean(env, wide_vectors_cost_clock())) &&
      set(env, made, "buckets", make_array(env, BUCKET_COUNT, [&](size_t b) { return make_number(env, BUCKETS[b]); })) &&
      set(env, made, "kernels",
          make_array(env, table.trial_count, [&](size_t i) { return make_trial(env, table.trials[i]); })) &&
      set(env, winners, "aes-256-gcm", make_winners(env, table, operation::aes_256_gcm)) &&
      set(env, winners, "chacha20-poly1305", make_winners(env, table, operation::chacha20_poly1305)) &&
      set(env, made, "winners", winners) &&
      set(env, made, "keysInUse", make_number(env, static_cast<double>(memory.slots_in_use))) &&
      set(env, made, "lockedBytes", make_number(env, static_cast<double>(memory.locked_bytes))) &&
      set(env, made, "unlockedBytes", make_number(env, static_cast<double>(memory.unlocked_bytes)));
  return was_made ? made : nullptr;
}

// restrictIsa(mask: string): before the first cipher. Throws for an unknown name and when it is too late.
napi_value restrict_isa_to(napi_env env, napi_callback_info call) {
  arguments<1> given;
  std::string text;
  if (!given.read(env, call) || !read_text(env, given.values[0], "mask", text)) return nullptr;
  const std::optional<uint32_t> mask = parse_isa_mask(text);
  if (!mask) {
    std::string known = "all, none";
    for (const isa_name& name : ISA_NAMES) known += ", " + std::string(name.name);
    return throw_range_error(env, "unknown instruction set; known are " + known);
  }
  if (!restrict_isa(*mask)) return throw_type_error(env, "kernels have been chosen already, under another mask");
  return nullptr;
}

}  // namespace

bool register_report(napi_env env, napi_value exports) {
  return set_function(env, exports, "report", report, nullptr) &&
         set_function(env, exports, "restrictIsa", restrict_isa_to, nullptr);
}

}  // namespace xps
