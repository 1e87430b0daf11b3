// Threads that all start with the first use of dispatch, share one cipher, and make and drop ciphers of their own.
#include <cstdio>
#include <cstring>
#include <thread>
#include <vector>

#include "../../record/native/dispatch/dispatch.h"
#include "../../record/native/record_cipher.h"

using namespace xps;

namespace {

constexpr size_t THREADS = 4, ROUNDS = 300, LENGTH = 700;

bool round_trip(const record_cipher& cipher, uint8_t seed) {
  const uint8_t nonce[24] = {seed};
  uint8_t text[LENGTH], tag[TAG_BYTES];
  memset(text, seed, sizeof text);
  cipher.seal(nonce, {nonce, 13}, text, sizeof text, text, tag);
  if (!cipher.open(nonce, {nonce, 13}, text, sizeof text, tag, text)) return false;
  for (const uint8_t byte : text) {
    if (byte != seed) return false;
  }
  tag[seed % TAG_BYTES] ^= 1;
  return !cipher.open(nonce, {nonce, 13}, text, sizeof text, tag, text);
}

bool work(const record_cipher& shared, uint8_t number) {
  const uint8_t key[KEY_BYTES] = {number};
  for (size_t i = 0; i < ROUNDS; i++) {
    const aead algorithm = static_cast<aead>(i % 3);
    const record_cipher own = record_cipher::create(algorithm, key);
    if (!own || !round_trip(own, static_cast<uint8_t>(i)) || !round_trip(shared, number)) return false;
  }
  return true;
}

}  // namespace

int main() {
  std::vector<std::thread> threads;
  bool passed[THREADS] = {};
  const uint8_t key[KEY_BYTES] = {1};
  const dispatch_table* seen[THREADS] = {};
  for (size_t i = 0; i < THREADS; i++) threads.emplace_back([&, i] { seen[i] = &dispatch(); });
  for (std::thread& thread : threads) thread.join();
  threads.clear();
  const record_cipher shared = record_cipher::create(aead::aes_256_gcm, key);
  for (size_t i = 0; i < THREADS; i++) {
    threads.emplace_back([&, i] { passed[i] = seen[i] == seen[0] && work(shared, static_cast<uint8_t>(i)); });
  }
  for (std::thread& thread : threads) thread.join();
  const locked_memory_usage usage = usage_of_locked_memory();
  for (const bool one : passed) {
    if (!one) return puts("FAILED: a thread"), 1;
  }
  if (usage.slots_in_use != 1) return puts("FAILED: keys are left"), 1;
  return puts("ok"), 0;
}
