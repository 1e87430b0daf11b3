// The data plane for JavaScript: sidecar/plane/native-plane.ts is the only caller. Every argument is checked; what the system
// refuses (a port in use) is thrown as an Error with the errno's name as its code. Descriptors are duplicated here: the caller closes its own.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <node_api.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "../binding/arguments.h"
#include "../binding/bindings.h"
#include "channel.h"
#include "events.h"
#include "loop.h"
#include "route.h"

namespace xps {
namespace {

using namespace plane;

constexpr uint64_t MAX_COUNT = (1ull << 53) - 1;
constexpr size_t MAX_SLABS = 4096;

// What JavaScript has mistaken, thrown from within a call and turned into a TypeError at its end.
struct mistake {
  std::string message;
};

class instance {
 public:
  explicit instance(napi_env env) : env_(env), queue_([this] { wake(); }), io_(queue_) {}

  // Before anything else may happen: threads and functions must not outlive the environment.
  void start(napi_value on_events) {
    napi_value name = nullptr;
    napi_create_string_utf8(env_, "xpscerpto data plane", NAPI_AUTO_LENGTH, &name);
    const napi_status status = napi_create_threadsafe_function(env_, on_events, nullptr, name, 0, 1, nullptr, nullptr, this, deliver, &function_);
    if (status != napi_ok) throw mistake{"the callback cannot be used"};
    napi_add_env_cleanup_hook(env_, at_exit, this);
    io_.start();
  }

  void stop() {
    if (is_stopped_) return;
    is_stopped_ = true;
    io_.stop();
    if (function_ != nullptr) napi_release_threadsafe_function(function_, napi_tsfn_abort);
    function_ = nullptr;
    for (napi_ref slab : slabs_) napi_delete_reference(env_, slab);
    slabs_.clear();
    napi_remove_env_cleanup_hook(env_, at_exit, this);
  }

  bool is_stopped() const { return is_stopped_; }
  loop& io() { return io_; }
  uint32_t next_id() { return ++last_id_; }

  napi_value add_slab() {
    if (slabs_.size() >= MAX_SLABS) throw mistake{"too many channels"};
    void* memory = nullptr;
    napi_value made = nullptr;
    napi_ref kept = nullptr;
    if (napi_create_arraybuffer(env_, SLOTS_PER_SLAB * COUNTERS_PER_SLOT * sizeof(double), &memory, &made) != napi_ok ||
        napi_create_reference(env_, made, 1, &kept) != napi_ok) {
      throw mistake{"no memory for counters"};
    }
    slabs_.push_back(kept);
    first_counters_.push_back(static_cast<double*>(memory));
    return made;
  }

  counter_slot slot(uint64_t number) const {
    const size_t slab = number / SLOTS_PER_SLAB;
    if (slab >= first_counters_.size()) throw mistake{"there is no such counter slot"};
    double* first = first_counters_[slab] + (number % SLOTS_PER_SLAB) * COUNTERS_PER_SLOT;
    for (size_t i = 0; i < COUNTERS_PER_SLOT; ++i) std::atomic_ref<double>(first[i]).store(0, std::memory_order_relaxed);
    return counter_slot(first);
  }

 private:
  void wake() {
    if (function_ != nullptr) napi_call_threadsafe_function(function_, nullptr, napi_tsfn_nonblocking);
  }

  static void deliver(napi_env env, napi_value callback, void* context, void*);
  static void at_exit(void* self) { static_cast<instance*>(self)->stop(); }

  napi_env env_;
  napi_threadsafe_function function_ = nullptr;
  event_queue queue_;
  loop io_;
  std::vector<napi_ref> slabs_;
  std::vector<double*> first_counters_;
  uint32_t last_id_ = 0;
  bool is_stopped_ = false;
};

// ── values ───────────────────────────────────────────────────────────────────────────────────────────────────────────

napi_value property(napi_env env, napi_value object, const char* name) {
  napi_value value = nullptr;
  if (napi_get_named_property(env, object, name, &value) != napi_ok) throw mistake{std::string(name) + " is missing"};
  return value;
}

// Arguments that arguments.h reads throw in JavaScript themselves; this ends the call without a second error.
struct thrown_already {};

uint64_t number(napi_env env, napi_value value, const char* name, uint64_t limit = MAX_COUNT) {
  uint64_t read = 0;
  if (!read_number(env, value, name, limit, read)) throw thrown_already{};
  return read;
}

uint64_t number_of(napi_env env, napi_value object, const char* name, uint64_t limit = MAX_COUNT) {
  return number(env, property(env, object, name), name, limit);
}

bool boolean_of(napi_env env, napi_value object, const char* name) {
  bool read = false;
  if (napi_get_value_bool(env, property(env, object, name), &read) != napi_ok) throw mistake{std::string(name) + " is not a boolean"};
  return read;
}

std::span<uint8_t> bytes(napi_env env, napi_value value, const char* name) {
  std::span<uint8_t> read;
  if (!read_bytes(env, value, name, read)) throw thrown_already{};
  return read;
}

std::vector<uint8_t> copy_of(napi_env env, napi_value object, const char* name) {
  const std::span<uint8_t> given = bytes(env, property(env, object, name), name);
  return {given.begin(), given.end()};
}

std::string text(napi_env env, napi_value value, const char* name) {
  std::string read;
  if (!read_text(env, value, name, read)) throw thrown_already{};
  return read;
}

// Duplicated, not inherited by children, not blocking.
unique_fd descriptor(napi_env env, napi_value value) {
  const auto given = static_cast<int>(number(env, value, "descriptor", INT32_MAX));
  unique_fd own(fcntl(given, F_DUPFD_CLOEXEC, 3));
  if (!own) throw std::system_error(errno, std::generic_category(), "a descriptor cannot be duplicated");
  fcntl(*own, F_SETFL, fcntl(*own, F_GETFL) | O_NONBLOCK);
  return own;
}

record_key key_of(napi_env env, napi_value object, uint64_t algorithm) {
  const auto chosen = static_cast<aead>(algorithm);
  const std::span<uint8_t> key = bytes(env, property(env, object, "key"), "key");
  const std::span<uint8_t> iv = bytes(env, property(env, object, "iv"), "iv");
  if (key.size() != KEY_BYTES || iv.size() != nonce_bytes(chosen)) throw mistake{"a key or IV has the wrong length"};
  record_cipher cipher = record_cipher::create(chosen, key.data());
  if (!cipher) throw mistake{"no memory for a key, or no kernel gives right answers"};
  const uint64_t records = number_of(env, object, "records", HARD_RECORD_LIMIT);
  const uint64_t content_bytes = number_of(env, object, "bytes");
  const auto epoch = static_cast<uint32_t>(number_of(env, object, "epoch", UINT32_MAX));
  return record_key(std::move(cipher), epoch, iv.data(), records, content_bytes);
}

// "unix:/path", "tcp:1.2.3.4:80", "tcp:[::1]:80".
target target_of(const std::string& address) {
  target made{};
  if (address.starts_with("unix:")) {
    auto& at = reinterpret_cast<sockaddr_un&>(made.address);
    const std::string path = address.substr(5);
    if (path.empty() || path.size() >= sizeof at.sun_path) throw mistake{"the path of a socket is empty or too long"};
    at.sun_family = AF_UNIX;
    memcpy(at.sun_path, path.c_str(), path.size() + 1);
    made.length = sizeof at;
    return made;
  }
  const size_t colon = address.rfind(':');
  if (!address.starts_with("tcp:") || colon < 4) throw mistake{"an address is neither unix: nor tcp:"};
  std::string host = address.substr(4, colon - 4);
  const std::string digits = address.substr(colon + 1);
  const unsigned long port = digits.size() > 5 || digits.find_first_not_of("0123456789") != std::string::npos ? 65536 : strtoul(digits.c_str(), nullptr, 10);
  if (digits.empty() || port > 65535) throw mistake{"a port is not a number up to 65535"};
  auto& v4 = reinterpret_cast<sockaddr_in&>(made.address);
  if (inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(static_cast<uint16_t>(port));
    made.length = sizeof v4;
    return made;
  }
  auto& v6 = reinterpret_cast<sockaddr_in6&>(made.address);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  v6 = {};
  if (inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) != 1) throw mistake{"a host is no IP address"};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(static_cast<uint16_t>(port));
  made.length = sizeof v6;
  return made;
}

napi_value no_value(napi_env env) {
  napi_value made = nullptr;
  napi_get_undefined(env, &made);
  return made;
}

const char* name_of(event_kind kind) {
  switch (kind) {
    case event_kind::message: return "message";
    case event_kind::due: return "due";
    case event_kind::open: return "open";
    case event_kind::over: return "over";
    case event_kind::closing: return "closing";
    case event_kind::closed: return "closed";
    case event_kind::failed: return "failed";
    case event_kind::gone: return "gone";
    case event_kind::waiting: return "waiting";
    case event_kind::listener_failed: return "listener-failed";
    case event_kind::target_failed: return "target-failed";
    case event_kind::target_worked: return "target-worked";
  }
  return "";
}

napi_value make_event(napi_env env, const event& e) {
  napi_value made = nullptr, content = nullptr;
  void* memory = nullptr;
  if (napi_create_object(env, &made) != napi_ok || napi_create_buffer(env, e.bytes.size(), &memory, &content) != napi_ok) return nullptr;
  if (!e.bytes.empty()) memcpy(memory, e.bytes.data(), e.bytes.size());
  const bool was_made = set(env, made, "kind", make_text(env, name_of(e.kind))) && set(env, made, "id", make_number(env, e.id)) &&
                        set(env, made, "epoch", make_number(env, e.epoch)) &&
                        set(env, made, "hasMoved", make_boolean(env, e.has_moved)) &&
                        set(env, made, "number", make_number(env, static_cast<double>(e.number))) &&
                        set(env, made, "reason", make_text(env, e.reason)) && set(env, made, "detail", make_text(env, e.text)) &&
                        set(env, made, "bytes", content);
  return was_made ? made : nullptr;
}

void instance::deliver(napi_env env, napi_value callback, void* context, void*) {
  auto& self = *static_cast<instance*>(context);
  if (env == nullptr || self.is_stopped_) return;
  const std::vector<event> events = self.queue_.take();
  if (events.empty()) return;
  napi_value list = nullptr, receiver = nullptr;
  if (napi_create_array_with_length(env, events.size(), &list) != napi_ok || napi_get_undefined(env, &receiver) != napi_ok) return;
  for (uint32_t i = 0; i < events.size(); ++i) {
    napi_value made = make_event(env, events[i]);
    if (made == nullptr || napi_set_element(env, list, i, made) != napi_ok) return;
  }
  // What the callback throws becomes an uncaught exception of the process, as for any other event.
  napi_value ignored = nullptr;
  napi_call_function(env, receiver, callback, 1, &list, &ignored);
}

// ── calls ────────────────────────────────────────────────────────────────────────────────────────────────────────────

// One call: reads COUNT arguments, lets nothing but JavaScript errors out.
template <size_t COUNT, class Action>
napi_value call_of(napi_env env, napi_callback_info info, Action action) {
  arguments<COUNT> given;
  if (!given.read(env, info)) return nullptr;
  try {
    return action(given.values);
  } catch (const thrown_already&) {
    return nullptr;
  } catch (const mistake& wrong) {
    return throw_type_error(env, wrong.message);
  } catch (const std::system_error& refused) {
    napi_throw_error(env, strerrorname_np(refused.code().value()), refused.what());
    return nullptr;
  } catch (const std::exception& failed) {
    napi_throw_error(env, "ERR_XPS_PLANE", failed.what());
    return nullptr;
  }
}

constexpr napi_type_tag PLANE_TAG = {0x7870735f706c616e, 0x655f696e7374616e};

instance& plane_of(napi_env env, napi_value value) {
  bool is_plane = false;
  void* held = nullptr;
  napi_valuetype type = napi_undefined;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_external ||
      napi_check_object_type_tag(env, value, &PLANE_TAG, &is_plane) != napi_ok || !is_plane ||
      napi_get_value_external(env, value, &held) != napi_ok) {
    throw mistake{"this is no data plane"};
  }
  auto& found = *static_cast<instance*>(held);
  if (found.is_stopped()) throw mistake{"this data plane was stopped"};
  return found;
}

// planeStart(onEvents: (events: PlaneEvent[]) => void) → plane
napi_value plane_start(napi_env env, napi_callback_info info) {
  return call_of<1>(env, info, [env](napi_value* given) {
    auto made = std::make_unique<instance>(env);
    made->start(given[0]);
    napi_value handle = nullptr;
    const auto finalize = [](napi_env, void* held, void*) {
      auto* gone = static_cast<instance*>(held);
      gone->stop();
      delete gone;
    };
    if (napi_create_external(env, made.get(), finalize, nullptr, &handle) != napi_ok) {
      made->stop();
      throw mistake{"no memory for a data plane"};
    }
    made.release();
    napi_type_tag_object(env, handle, &PLANE_TAG);
    return handle;
  });
}

// planeStop(plane): every socket that is still there is reset; no event comes any more.
napi_value plane_stop(napi_env env, napi_callback_info info) {
  return call_of<1>(env, info, [env](napi_value* given) {
    plane_of(env, given[0]).stop();
    return no_value(env);
  });
}

// planeSlab(plane) → ArrayBuffer with SLOTS_PER_SLAB more counter slots
napi_value plane_slab(napi_env env, napi_callback_info info) {
  return call_of<1>(env, info, [env](napi_value* given) { return plane_of(env, given[0]).add_slab(); });
}

// planeRoute(plane, { slot, idleMs, connectMs, connections, reportsOver }) → id
napi_value plane_route(napi_env env, napi_callback_info info) {
  return call_of<2>(env, info, [env](napi_value* given) {
    instance& here = plane_of(env, given[0]);
    const napi_value spec = given[1];
    const counter_slot counters = here.slot(number_of(env, spec, "slot"));
    const route_limits limits{.idle_ms = number_of(env, spec, "idleMs"),
                              .connect_ms = number_of(env, spec, "connectMs"),
                              .connections = number_of(env, spec, "connections"),
                              .reports_over = boolean_of(env, spec, "reportsOver")};
    const uint32_t id = here.next_id();
    here.io().post([id, limits, counters](loop& on) { on.add_route(id, std::make_unique<route>(on, id, limits, counters)); });
    return make_number(env, id);
  });
}

uint32_t id_of(napi_env env, napi_value value) { return static_cast<uint32_t>(number(env, value, "id", UINT32_MAX)); }

// planeTargets(plane, route, addresses: string[], tags: Uint32Array): tried in order; empty: JavaScript connects. Several addresses
// of one target have the same tag.
napi_value plane_targets(napi_env env, napi_callback_info info) {
  return call_of<4>(env, info, [env](napi_value* given) {
    instance& here = plane_of(env, given[0]);
    uint32_t length = 0;
    if (napi_get_array_length(env, given[2], &length) != napi_ok) throw mistake{"targets is not an array"};
    std::span<const uint32_t> tags;
    if (!read_words(env, given[3], "tags", tags)) throw thrown_already{};
    if (tags.size() != length) throw mistake{"each target has one tag"};
    std::vector<target> targets;
    for (uint32_t i = 0; i < length; ++i) {
      napi_value element = nullptr;
      if (napi_get_element(env, given[2], i, &element) != napi_ok) throw mistake{"targets is not an array"};
      targets.push_back(target_of(text(env, element, "target")));
      targets.back().tag = tags[i];
    }
    here.io().post([id = id_of(env, given[1]), targets = std::move(targets)](loop& on) mutable {
      if (route* found = on.find_route(id)) found->set_targets(std::move(targets));
    });
    return no_value(env);
  });
}

// planeListen(plane, route, descriptor): accepts from a listening socket.
napi_value plane_listen(napi_env env, napi_callback_info info) {
  return call_of<3>(env, info, [env](napi_value* given) {
    instance& here = plane_of(env, given[0]);
    here.io().post([id = id_of(env, given[1]), listener = descriptor(env, given[2])](loop& on) mutable {
      if (route* found = on.find_route(id)) found->listen(std::move(listener));
    });
    return no_value(env);
  });
}

// planeStopListening(plane, route)
napi_value plane_stop_listening(napi_env env, napi_callback_info info) {
  return call_of<2>(env, info, [env](napi_value* given) {
    plane_of(env, given[0]).io().post([id = id_of(env, given[1])](loop& on) {
      if (route* found = on.find_route(id)) found->stop_listening();
    });
    return no_value(env);
  });
}

// planeRefuseWaiting(plane, route, count): nobody will carry the oldest `count` connections that wait.
napi_value plane_refuse_waiting(napi_env env, napi_callback_info info) {
  return call_of<3>(env, info, [env](napi_value* given) {
    plane_of(env, given[0]).io().post([id = id_of(env, given[1]), count = number(env, given[2], "count")](loop& on) {
      if (route* found = on.find_route(id)) found->refuse_waiting(count);
    });
    return no_value(env);
  });
}

stream_lane::ending ending_of(napi_env env, napi_value object, const char* name) {
  return static_cast<stream_lane::ending>(number_of(env, object, name, 2));
}

// planeAdopt(plane, handOver) → id; see HandOver in sidecar/plane/native-plane.ts
napi_value plane_adopt(napi_env env, napi_callback_info info) {
  return call_of<2>(env, info, [env](napi_value* given) {
    instance& here = plane_of(env, given[0]);
    const napi_value spec = given[1];
    const uint64_t algorithm = number_of(env, spec, "aead", 2);
    const napi_value lane = property(env, spec, "lane");
    const uint64_t limit = number_of(env, spec, "recordLimit", 65'536);
    if (limit < 16'384) throw mistake{"recordLimit is below 16384"};
    hand_over taken{
        .id = 0,
        .side = static_cast<side>(number_of(env, spec, "side", 1)),
        .record_limit = static_cast<uint32_t>(limit),
        .soft_records = number_of(env, spec, "softRecords"),
        .soft_bytes = number_of(env, spec, "softBytes"),
        .send = key_of(env, property(env, spec, "send"), algorithm),
        .receive = key_of(env, property(env, spec, "receive"), algorithm),
        .lane = {number_of(env, lane, "number"), ending_of(env, lane, "sending"), ending_of(env, lane, "receiving"),
                 boolean_of(env, lane, "wasLastEnded"), number_of(env, lane, "sentBytes"), number_of(env, lane, "receivedBytes"), number_of(env, lane, "totalSent"),
                 number_of(env, lane, "totalReceived")},
        .may_open = boolean_of(env, spec, "mayOpen"),
        .unread = copy_of(env, spec, "unread"),
        .unsent = copy_of(env, spec, "unsent"),
        .fd = descriptor(env, property(env, spec, "descriptor")),
        .counters = here.slot(number_of(env, spec, "slot")),
    };
    taken.id = here.next_id();
    const uint32_t id = taken.id;
    here.io().post([route_id = static_cast<uint32_t>(number_of(env, spec, "route", UINT32_MAX)), taken = std::move(taken)](loop& on) mutable {
      route* owner = on.find_route(route_id);
      if (owner == nullptr) return;
      const uint32_t channel_id = taken.id;
      on.add_channel(channel_id, std::make_unique<channel>(on, *owner, std::move(taken)));
    });
    return make_number(env, id);
  });
}

struct operation_list {
  struct entry {
    enum class kind : uint8_t { seal, send_key, receive_key, receive_key_on_epoch, close, kill, reset } what;
    std::vector<uint8_t> message;
    record_key key;
    reset_reason why = reset_reason::reset;
  };
  std::vector<entry> entries;
};

operation_list::entry operation_of(napi_env env, napi_value given) {
  using kind = operation_list::entry::kind;
  const std::string what = text(env, property(env, given, "kind"), "kind");
  if (what == "seal") return {kind::seal, copy_of(env, given, "message"), {}};
  if (what == "send-key") return {kind::send_key, {}, key_of(env, given, number_of(env, given, "aead", 2))};
  if (what == "receive-key") {
    const kind when = boolean_of(env, given, "onEpoch") ? kind::receive_key_on_epoch : kind::receive_key;
    return {when, {}, key_of(env, given, number_of(env, given, "aead", 2))};
  }
  if (what == "close") return {kind::close, {}, {}};
  if (what == "kill") return {kind::kill, {}, {}};
  if (what == "reset") return {kind::reset, {}, {}, static_cast<reset_reason>(number_of(env, given, "reason", RESET_REASONS - 1))};
  throw mistake{"an operation of an unknown kind"};
}

void carry_out(channel& on, operation_list::entry& operation) {
  using kind = operation_list::entry::kind;
  switch (operation.what) {
    case kind::seal: return on.seal(operation.message);
    case kind::send_key: return on.install_send(std::move(operation.key));
    case kind::receive_key: return on.install_receive(std::move(operation.key), false);
    case kind::receive_key_on_epoch: return on.install_receive(std::move(operation.key), true);
    case kind::close: return on.close_when_idle();
    case kind::kill: return on.kill();
    case kind::reset: return on.refuse(operation.why);
  }
}

// planePerform(plane, channel, operations: Operation[]): all of them before anything else is sealed.
napi_value plane_perform(napi_env env, napi_callback_info info) {
  return call_of<3>(env, info, [env](napi_value* given) {
    instance& here = plane_of(env, given[0]);
    uint32_t length = 0;
    if (napi_get_array_length(env, given[2], &length) != napi_ok) throw mistake{"operations is not an array"};
    operation_list list;
    for (uint32_t i = 0; i < length; ++i) {
      napi_value element = nullptr;
      if (napi_get_element(env, given[2], i, &element) != napi_ok) throw mistake{"operations is not an array"};
      list.entries.push_back(operation_of(env, element));
    }
    here.io().post([id = id_of(env, given[1]), list = std::move(list)](loop& on) mutable {
      for (operation_list::entry& each : list.entries) {
        if (channel* found = on.find_channel(id)) carry_out(*found, each);
      }
      if (channel* found = on.find_channel(id)) found->end_operations();
    });
    return no_value(env);
  });
}

// planeCarry(plane, channel, descriptor, early: Uint8Array, kind, destination: Uint8Array): opens a stream for a connection.
napi_value plane_carry(napi_env env, napi_callback_info info) {
  return call_of<6>(env, info, [env](napi_value* given) {
    instance& here = plane_of(env, given[0]);
    const std::span<uint8_t> early = bytes(env, given[3], "early"), destination = bytes(env, given[5], "destination");
    if (destination.size() > MOST_DESTINATION_BYTES) throw mistake{"the destination is too long"};
    here.io().post([id = id_of(env, given[1]), fd = descriptor(env, given[2]), early = std::vector<uint8_t>(early.begin(), early.end()),
                    kind = static_cast<uint8_t>(number(env, given[4], "kind", 2)),
                    destination = std::vector<uint8_t>(destination.begin(), destination.end())](loop& on) mutable {
      channel* found = on.find_channel(id);
      if (found == nullptr) return;
      application& arrived = found->owner().make_application();
      arrived.connected(std::move(fd), std::move(early));
      if (!found->carry(arrived, kind, destination)) arrived.abort();
    });
    return no_value(env);
  });
}

// planeAttach(plane, channel, number, descriptor): the target of a stream that was reported as `open`.
napi_value plane_attach(napi_env env, napi_callback_info info) {
  return call_of<4>(env, info, [env](napi_value* given) {
    plane_of(env, given[0]).io().post([id = id_of(env, given[1]), stream = number(env, given[2], "number"), fd = descriptor(env, given[3])](loop& on) mutable {
      if (channel* found = on.find_channel(id)) found->attach(stream, std::move(fd));
    });
    return no_value(env);
  });
}

// ── listening sockets ────────────────────────────────────────────────────────────────────────────────────────────────

// bindListener(address, backlog) → descriptor, which closeDescriptor gives back
napi_value bind_listener(napi_env env, napi_callback_info info) {
  return call_of<2>(env, info, [env](napi_value* given) {
    const target at = target_of(text(env, given[0], "address"));
    const auto backlog = static_cast<int>(number(env, given[1], "backlog", 65'535));
    unique_fd fd(socket(at.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) throw std::system_error(errno, std::generic_category(), "socket");
    const int yes = 1;
    if (at.address.ss_family != AF_UNIX) {
      setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
      // Inherited by what is accepted.
      setsockopt(*fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    }
    if (bind(*fd, reinterpret_cast<const sockaddr*>(&at.address), at.length) != 0) throw std::system_error(errno, std::generic_category(), "bind");
    if (::listen(*fd, backlog) != 0) throw std::system_error(errno, std::generic_category(), "listen");
    return make_number(env, fd.release());
  });
}

// localPort(descriptor) → the port that was bound, 0 for a UNIX socket
napi_value local_port(napi_env env, napi_callback_info info) {
  return call_of<1>(env, info, [env](napi_value* given) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    const auto fd = static_cast<int>(number(env, given[0], "descriptor", INT32_MAX));
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) throw std::system_error(errno, std::generic_category(), "getsockname");
    const in_port_t port = address.ss_family == AF_INET    ? reinterpret_cast<sockaddr_in&>(address).sin_port
                           : address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(address).sin6_port
                                                           : 0;
    return make_number(env, ntohs(port));
  });
}

// closeDescriptor(descriptor)
napi_value close_descriptor(napi_env env, napi_callback_info info) {
  return call_of<1>(env, info, [env](napi_value* given) {
    unique_fd(static_cast<int>(number(env, given[0], "descriptor", INT32_MAX)));
    return no_value(env);
  });
}

struct entry_point {
  const char* name;
  napi_callback function;
};

constexpr entry_point FUNCTIONS[] = {
    {"planeStart", plane_start},
    {"planeStop", plane_stop},
    {"planeSlab", plane_slab},
    {"planeRoute", plane_route},
    {"planeTargets", plane_targets},
    {"planeListen", plane_listen},
    {"planeStopListening", plane_stop_listening},
    {"planeRefuseWaiting", plane_refuse_waiting},
    {"planeAdopt", plane_adopt},
    {"planePerform", plane_perform},
    {"planeCarry", plane_carry},
    {"planeAttach", plane_attach},
    {"bindListener", bind_listener},
    {"localPort", local_port},
    {"closeDescriptor", close_descriptor},
};

}  // namespace

bool register_plane(napi_env env, napi_value exports) {
  for (const entry_point& each : FUNCTIONS) {
    if (!set_function(env, exports, each.name, each.function, nullptr)) return false;
  }
  return true;
}

}  // namespace xps
