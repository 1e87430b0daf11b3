// AEAD for JavaScript. Ciphers are numbers, not objects: a key cannot be read back, and a call costs no unwrapping.
//
// Nonce and AAD of a single record travel through `scratch`, memory that JavaScript writes to directly, because each
// buffer argument costs more than copying 40 bytes. Many small records travel in one buffer with a table of offsets.
#include <atomic>
#include <memory>
#include <new>
#include <vector>

#include "../record_cipher.h"
#include "../dispatch/dispatch.h"
#include "arguments.h"
#include "bindings.h"

namespace xps {
namespace {

constexpr size_t SCRATCH_BYTES = 4096;
constexpr size_t SCRATCH_AAD = 32;  // behind the longest nonce
constexpr uint64_t MAX_CIPHERS = 1u << 20;
constexpr uint64_t MAX_HANDLE = (1ull << 53) - 1;

// Lives as long as the environment or the ArrayBuffer over it, whichever ends last: JavaScript can keep, or transfer, that.
struct scratch_memory {
  std::atomic<int> owners = 1;
  alignas(64) uint8_t bytes[SCRATCH_BYTES] = {};

  void release() {
    if (owners.fetch_sub(1) == 1) delete this;
  }
};

struct slot {
  record_cipher cipher;
  uint64_t serial = 0;  // grows with every use of the slot: an old handle stays invalid
};

struct aead_instance {
  std::vector<slot> slots;
  std::vector<uint32_t> free_slots;
  scratch_memory* scratch = nullptr;

  ~aead_instance() {
    if (scratch != nullptr) scratch->release();
  }

  const record_cipher* find(uint64_t handle) const {
    const uint64_t index = handle % MAX_CIPHERS;
    if (index >= slots.size()) return nullptr;
    const slot& found = slots[index];
    return found.serial == handle / MAX_CIPHERS && found.cipher ? &found.cipher : nullptr;
  }
};

const record_cipher* read_cipher(napi_env env, const void* instance, napi_value value) {
  uint64_t handle = 0;
  if (!read_number(env, value, "cipher", MAX_HANDLE, handle)) return nullptr;
  const record_cipher* found = static_cast<const aead_instance*>(instance)->find(handle);
  if (found == nullptr) throw_type_error(env, "this cipher does not exist (any more)");
  return found;
}

// createCipher(algorithm: 0 | 1 | 2, key: Uint8Array, kernel: string) → handle. An empty name leaves the choice to dispatch.
napi_value create_cipher(napi_env env, napi_callback_info call) {
  arguments<3> given;
  uint64_t algorithm = 0;
  std::span<uint8_t> key;
  std::string name;
  if (!given.read(env, call) || !read_number(env, given.values[0], "algorithm", 2, algorithm) ||
      !read_bytes(env, given.values[1], "key", key) || !read_text(env, given.values[2], "kernel", name)) {
    return nullptr;
  }
  if (key.size() != KEY_BYTES) return throw_range_error(env, "a key has 32 bytes");
  const auto wanted = static_cast<aead>(algorithm);
  const kernel* forced = nullptr;
  if (!name.empty()) {
    forced = usable_kernel(name);
    if (forced == nullptr || forced->does != operation_of(wanted)) {
      return throw_range_error(env, "no usable kernel of this algorithm has the name that was asked for");
    }
  }
  auto& instance = *static_cast<aead_instance*>(given.instance);
  if (instance.free_slots.empty()) {
    if (instance.slots.size() == MAX_CIPHERS) return throw_range_error(env, "too many ciphers");
    instance.slots.emplace_back();
    instance.free_slots.push_back(static_cast<uint32_t>(instance.slots.size() - 1));
  }
  record_cipher made = record_cipher::create(wanted, key.data(), forced);
  if (!made) return throw_range_error(env, "no memory for a key, or no kernel gives right answers");
  const uint32_t index = instance.free_slots.back();
  instance.free_slots.pop_back();
  slot& taken = instance.slots[index];
  taken.cipher = std::move(made);
  taken.serial++;
  return make_number(env, static_cast<double>(taken.serial * MAX_CIPHERS + index));
}

// destroyCipher(handle): wipes the key. Once more, or with a handle that never was, it does nothing.
napi_value destroy_cipher(napi_env env, napi_callback_info call) {
  arguments<1> given;
  uint64_t handle = 0;
  if (!given.read(env, call) || !read_number(env, given.values[0], "cipher", MAX_HANDLE, handle)) return nullptr;
  auto& instance = *static_cast<aead_instance*>(given.instance);
  if (instance.find(handle) == nullptr) return nullptr;
  const auto index = static_cast<uint32_t>(handle % MAX_CIPHERS);
  instance.slots[index].cipher = record_cipher();
  instance.free_slots.push_back(index);
  return nullptr;
}

// cipherKernel(handle, length) → the name of the kernel that would work on a record of this length.
napi_value cipher_kernel(napi_env env, napi_callback_info call) {
  arguments<2> given;
  uint64_t length = 0;
  if (!given.read(env, call)) return nullptr;
  const record_cipher* cipher = read_cipher(env, given.instance, given.values[0]);
  if (cipher == nullptr || !read_number(env, given.values[1], "length", MAX_MESSAGE_BYTES, length)) return nullptr;
  return make_text(env, cipher->kernel_for(length).name);
}

// What seal and open share: (handle, aad, in, out). The nonce is in scratch, and so is the AAD when `aad` is its length;
// a longer one is a Uint8Array.
struct single {
  const record_cipher* cipher = nullptr;
  const uint8_t* nonce = nullptr;
  std::span<const uint8_t> aad;
  std::span<uint8_t> in, out;

  bool read(napi_env env, napi_callback_info call) {
    arguments<4> given;
    if (!given.read(env, call)) return false;
    cipher = read_cipher(env, given.instance, given.values[0]);
    uint8_t* scratch = static_cast<const aead_instance*>(given.instance)->scratch->bytes;
    nonce = scratch;
    return cipher != nullptr && read_aad(env, given.values[1], scratch + SCRATCH_AAD) &&
           read_bytes(env, given.values[2], "in", in) && read_bytes(env, given.values[3], "out", out);
  }

  bool read_aad(napi_env env, napi_value value, uint8_t* in_scratch) {
    napi_valuetype type;
    std::span<uint8_t> bytes;
    uint64_t length = 0;
    if (napi_typeof(env, value, &type) != napi_ok) return false;
    if (type == napi_number) {
      if (!read_number(env, value, "aad", SCRATCH_BYTES - SCRATCH_AAD, length)) return false;
      bytes = {in_scratch, length};
    } else if (!read_bytes(env, value, "aad", bytes)) {
      return false;
    }
    aad = bytes;
    return true;
  }

  bool check_lengths(napi_env env, size_t plain, size_t sealed) const {
    if (plain <= MAX_MESSAGE_BYTES && sealed == plain + TAG_BYTES && is_in_place_or_apart(in, out) && is_apart(aad, out) &&
        is_apart({nonce, SCRATCH_AAD}, out)) {
      return true;
    }
    throw_range_error(env, "out must be exactly a tag longer (sealing) or shorter (opening) and in place, or apart from all that is read");
    return false;
  }
};

// seal(handle, aad, plaintext, out)
napi_value seal(napi_env env, napi_callback_info call) {
  single r;
  if (!r.read(env, call) || !r.check_lengths(env, r.in.size(), r.out.size())) return nullptr;
  r.cipher->seal(r.nonce, r.aad, r.in.data(), r.in.size(), r.out.data(), r.out.data() + r.in.size());
  return nullptr;
}

// open(handle, aad, sealed, out) → boolean
napi_value open(napi_env env, napi_callback_info call) {
  single r;
  if (!r.read(env, call) || !r.check_lengths(env, r.out.size(), r.in.size())) return nullptr;
  const bool authentic =
      r.cipher->open(r.nonce, r.aad, r.in.data(), r.out.size(), r.in.data() + r.out.size(), r.out.data());
  return make_boolean(env, authentic);
}

// A row of the table: offsets into the buffer. In place; the tag stands right behind the text.
enum row_word : size_t { NONCE_AT, AAD_AT, AAD_LENGTH, TEXT_AT, TEXT_LENGTH, ROW_WORDS };

// What sealBatch and openBatch share: (handle, buffer, table, count).
struct batch {
  const record_cipher* cipher = nullptr;
  std::span<uint8_t> bytes;
  const uint32_t* rows = nullptr;
  uint64_t count = 0;

  bool read(napi_env env, napi_callback_info call) {
    arguments<4> given;
    std::span<const uint32_t> table;
    if (!given.read(env, call)) return false;
    cipher = read_cipher(env, given.instance, given.values[0]);
    if (cipher == nullptr || !read_bytes(env, given.values[1], "buffer", bytes) ||
        !read_words(env, given.values[2], "table", table) ||
        !read_number(env, given.values[3], "count", table.size() / ROW_WORDS, count)) {
      return false;
    }
    rows = table.data();
    for (uint64_t i = 0; i < count; i++) {
      if (is_valid(rows + i * ROW_WORDS)) continue;
      throw_range_error(env, "row " + std::to_string(i) + " of the table leaves the buffer, or overlaps itself");
      return false;
    }
    return true;
  }

  // Nothing is sealed before all rows are known to lie inside the buffer.
  bool is_valid(const uint32_t* row) const {
    const uint64_t end = bytes.size(), nonce_length = nonce_bytes(cipher->algorithm());
    const uint64_t text_at = row[TEXT_AT], text_end = text_at + row[TEXT_LENGTH] + TAG_BYTES;
    const auto lies_apart = [&](uint64_t at, uint64_t length) {
      return at + length <= end && (at + length <= text_at || at >= text_end);
    };
    return text_end <= end && row[TEXT_LENGTH] <= MAX_MESSAGE_BYTES && lies_apart(row[NONCE_AT], nonce_length) &&
           lies_apart(row[AAD_AT], row[AAD_LENGTH]);
  }
};

// sealBatch(handle, buffer, table, count)
napi_value seal_batch(napi_env env, napi_callback_info call) {
  batch b;
  if (!b.read(env, call)) return nullptr;
  for (const uint32_t* row = b.rows; row != b.rows + b.count * ROW_WORDS; row += ROW_WORDS) {
    uint8_t* text = b.bytes.data() + row[TEXT_AT];
    b.cipher->seal(b.bytes.data() + row[NONCE_AT], b.bytes.subspan(row[AAD_AT], row[AAD_LENGTH]), text, row[TEXT_LENGTH],
                   text, text + row[TEXT_LENGTH]);
  }
  return nullptr;
}

// openBatch(handle, buffer, table, count) → how many records were authentic before the first that was not. That one is
// wiped, those after it are left as they came.
napi_value open_batch(napi_env env, napi_callback_info call) {
  batch b;
  if (!b.read(env, call)) return nullptr;
  uint64_t opened = 0;
  for (const uint32_t* row = b.rows; opened < b.count; row += ROW_WORDS, opened++) {
    uint8_t* text = b.bytes.data() + row[TEXT_AT];
    if (!b.cipher->open(b.bytes.data() + row[NONCE_AT], b.bytes.subspan(row[AAD_AT], row[AAD_LENGTH]), text,
                        row[TEXT_LENGTH], text + row[TEXT_LENGTH], text)) {
      break;
    }
  }
  return make_number(env, static_cast<double>(opened));
}

void delete_instance(void* instance) { delete static_cast<aead_instance*>(instance); }

bool export_scratch(napi_env env, napi_value exports, scratch_memory* scratch) {
  napi_value buffer = nullptr, view = nullptr;
  scratch->owners++;
  const auto release = [](napi_env, void*, void* owned) { static_cast<scratch_memory*>(owned)->release(); };
  if (napi_create_external_arraybuffer(env, scratch->bytes, SCRATCH_BYTES, release, scratch, &buffer) != napi_ok) {
    scratch->release();
    return false;
  }
  return napi_create_typedarray(env, napi_uint8_array, SCRATCH_BYTES, buffer, 0, &view) == napi_ok &&
         set(env, exports, "scratch", view) && set(env, exports, "scratchAad", make_number(env, SCRATCH_AAD));
}

}  // namespace

bool register_aead(napi_env env, napi_value exports) {
  auto* instance = new (std::nothrow) aead_instance;
  if (instance == nullptr) return false;
  if (napi_add_env_cleanup_hook(env, delete_instance, instance) != napi_ok) {
    delete instance;
    return false;
  }
  instance->scratch = new (std::nothrow) scratch_memory;
  return instance->scratch != nullptr && export_scratch(env, exports, instance->scratch) &&
         set_function(env, exports, "createCipher", create_cipher, instance) &&
         set_function(env, exports, "destroyCipher", destroy_cipher, instance) &&
         set_function(env, exports, "cipherKernel", cipher_kernel, instance) &&
         set_function(env, exports, "seal", seal, instance) && set_function(env, exports, "open", open, instance) &&
         set_function(env, exports, "sealBatch", seal_batch, instance) &&
         set_function(env, exports, "openBatch", open_batch, instance);
}

}  // namespace xps
