// libFuzzer: any bytes as a record are refused and leave nothing; what was sealed opens, and no longer after any change.
// Any text as a mask of instruction sets is read or refused.
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "../../record/native/dispatch/cpu.h"
#include "../../record/native/dispatch/dispatch.h"
#include "../../record/native/record_cipher.h"

using namespace xps;

namespace {

void demand(bool holds) {
  if (!holds) abort();
}

bool is_wiped(const std::vector<uint8_t>& bytes, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (bytes[i] != 0) return false;
  }
  return true;
}

const kernel* choose_kernel(operation wanted, uint8_t choice) {
  std::vector<const kernel*> usable;
  const dispatch_table& table = dispatch();
  for (size_t i = 0; i < table.trial_count; i++) {
    if (table.trials[i].outcome == verdict::usable && table.trials[i].tried->does == wanted) usable.push_back(table.trials[i].tried);
  }
  return choice % (usable.size() + 1) == usable.size() ? nullptr : usable[choice % (usable.size() + 1)];
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)parse_isa_mask({reinterpret_cast<const char*>(data), size});
  if (size < 8 + 24) return 0;
  const auto algorithm = static_cast<aead>(data[0] % 3);
  const uint8_t key[KEY_BYTES] = {data[1]};
  const record_cipher cipher = record_cipher::create(algorithm, key, choose_kernel(operation_of(algorithm), data[2]));
  const uint8_t* nonce = data + 8;
  const size_t aad_length = data[3] % (size - 32 + 1);
  const std::span<const uint8_t> aad{data + 32, aad_length};
  std::vector<uint8_t> record(data + 32 + aad_length, data + size);

  if (record.size() >= TAG_BYTES) {
    const size_t length = record.size() - TAG_BYTES;
    std::vector<uint8_t> out(length, 0xa5);
    if (!cipher.open(nonce, aad, record.data(), length, record.data() + length, out.data())) demand(is_wiped(out, length));
  }

  const size_t length = record.size();
  const std::vector<uint8_t> text = record;
  record.resize(length + TAG_BYTES);
  cipher.seal(nonce, aad, record.data(), length, record.data(), record.data() + length);
  std::vector<uint8_t> opened(length);
  demand(cipher.open(nonce, aad, record.data(), length, record.data() + length, opened.data()) && opened == text);
  record[(data[4] | data[5] << 8) % record.size()] ^= static_cast<uint8_t>(1 << data[6] % 8);
  demand(!cipher.open(nonce, aad, record.data(), length, record.data() + length, record.data()));
  demand(is_wiped(record, length));
  return 0;
}
