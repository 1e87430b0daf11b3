// Checks of the kernels that need C++: every kernel of this machine against the portable one. Run by the tests beside it, also
// under sanitizers, valgrind and an emulator. Each prints the kernels that it really ran.
//
//   kernel_checks list                    usable kernels
//   kernel_checks sweep                   every length 0 … 2100 with every alignment, in place and apart, guarded
//   kernel_checks counters                lengths across the wrap of the 32-bit counter
//   kernel_checks random COUNT SEED       random lengths, AADs and positions; random forgeries
//   kernel_checks replay                  lines `kernel key start aad text` in hex → `ciphertext tag`
//   kernel_checks secrets                 one run of each kernel with keys, texts and tags marked as secret (valgrind)
//   kernel_checks leak                    what `secrets` must not do: a comparison of a tag that ends early
//   kernel_checks timing                  refusals of tags that are wrong early and late: the same time, by Welch's t-test
#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "../../record/native/dispatch/dispatch.h"

#if defined(XPS_WITH_VALGRIND)
#include <valgrind/memcheck.h>
#define MARK_SECRET(p, n) VALGRIND_MAKE_MEM_UNDEFINED(p, n)
#define MARK_PUBLIC(p, n) VALGRIND_MAKE_MEM_DEFINED(p, n)
#else
#define MARK_SECRET(p, n) (void)(p), (void)(n)
#define MARK_PUBLIC(p, n) (void)(p), (void)(n)
#endif

using namespace xps;

namespace {

constexpr size_t MAX_LENGTH = 5000;
constexpr size_t GUARD = 128;

// SplitMix64: small, and the same everywhere.
struct random_numbers {
  uint64_t state;
  uint64_t next() {
    uint64_t z = (state += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
  size_t below(size_t n) { return static_cast<size_t>(next() % n); }
  void fill(void* p, size_t n) {
    for (size_t i = 0; i < n; i++) static_cast<uint8_t*>(p)[i] = static_cast<uint8_t>(next());
  }
};

[[noreturn]] void fail(const kernel& tested, const char* what, size_t length, size_t aad, size_t position) {
  printf("FAILED %s: %s, length %zu, AAD %zu, position %zu\n", tested.name, what, length, aad, position);
  exit(1);
}

const kernel& portable_of(operation does) {
  return does == operation::aes_256_gcm ? AES_GCM_PORTABLE : CHACHA20_POLY1305_PORTABLE;
}

std::vector<const kernel*> usable_kernels() {
  std::vector<const kernel*> found;
  const dispatch_table& table = dispatch();
  for (size_t i = 0; i < table.trial_count; i++) {
    if (table.trials[i].outcome == verdict::usable) found.push_back(table.trials[i].tried);
  }
  return found;
}

// One message at chosen positions, sealed by both kernels, then opened and forged with the tested one.
class trial_bench {
 public:
  trial_bench(const kernel& tested, random_numbers& random) : tested_(tested), reference_(portable_of(tested.does)) {
    uint8_t key[KEY_BYTES];
    random.fill(key, sizeof key);
    random.fill(text_, sizeof text_);
    random.fill(aad_, sizeof aad_);
    random.fill(start, sizeof start);
    set_counter(tested.does == operation::aes_256_gcm ? 1 : 0);
    tested.prepare(state_, key);
    reference_.prepare(reference_state_, key);
  }

  // GCM counts in the last four bytes, big-endian; ChaCha20 in the first four, little-endian.
  void set_counter(uint32_t value) {
    const bool is_gcm = tested_.does == operation::aes_256_gcm;
    for (int i = 0; i < 4; i++) start[is_gcm ? 15 - i : i] = static_cast<uint8_t>(value >> (8 * i));
  }

  void check(size_t length, size_t aad_length, size_t in_at, size_t out_at, bool in_place) {
    uint8_t expected_tag[TAG_BYTES], tag[TAG_BYTES];
    reference_.seal(reference_state_, {start, aad_, aad_length, text_, length, expected_}, expected_tag);

    uint8_t* out = out_ + GUARD + out_at;
    uint8_t* in = in_place ? out : in_ + GUARD + in_at;
    memset(out_, 0xa5, sizeof out_);
    memcpy(in, text_, length);
    tested_.seal(state_, {start, aad_, aad_length, in, length, out}, tag);
    if (memcmp(out, expected_, length) != 0) fail(tested_, "ciphertext", length, aad_length, out_at);
    if (memcmp(tag, expected_tag, TAG_BYTES) != 0) fail(tested_, "tag", length, aad_length, out_at);
    check_guards(out, length, "sealing wrote outside", aad_length, out_at);

    memset(out_, 0xa5, sizeof out_);
    memcpy(in, expected_, length);
    if (!tested_.open(state_, {start, aad_, aad_length, in, length, out}, tag)) {
      fail(tested_, "refused a right tag", length, aad_length, out_at);
    }
    if (memcmp(out, text_, length) != 0) fail(tested_, "plaintext", length, aad_length, out_at);
    check_guards(out, length, "opening wrote outside", aad_length, out_at);
  }

  // One changed bit in the tag, the text or the AAD.
  void check_forgery(size_t length, size_t aad_length, size_t bit) {
    uint8_t tag[TAG_BYTES];
    uint8_t* out = out_ + GUARD;
    tested_.seal(state_, {start, aad_, aad_length, text_, length, in_}, tag);
    bit %= 8 * (TAG_BYTES + length + aad_length);
    const size_t at = bit / 8;
    const auto flip = static_cast<uint8_t>(1u << (bit % 8));
    uint8_t* const changed = at < TAG_BYTES ? tag + at : at < TAG_BYTES + length ? in_ + at - TAG_BYTES : aad_ + at - TAG_BYTES - length;
    *changed ^= flip;
    memset(out_, 0xa5, sizeof out_);
    if (tested_.open(state_, {start, aad_, aad_length, in_, length, out}, tag)) {
      fail(tested_, "accepted a forgery", length, aad_length, bit);
    }
    for (size_t i = 0; i < length; i++) {
      if (out[i] != 0) fail(tested_, "left something of a forgery", length, aad_length, i);
    }
    *changed ^= flip;
  }

  start_block start;

 private:
  void check_guards(const uint8_t* out, size_t length, const char* what, size_t aad_length, size_t position) const {
    for (const uint8_t* p = out_; p < out_ + sizeof out_; p++) {
      if ((p < out || p >= out + length) && *p != 0xa5) fail(tested_, what, length, aad_length, position);
    }
  }

  const kernel& tested_;
  const kernel& reference_;
  key_state state_, reference_state_;
  uint8_t text_[MAX_LENGTH], aad_[MAX_LENGTH], expected_[MAX_LENGTH];
  alignas(64) uint8_t in_[MAX_LENGTH + 2 * GUARD], out_[MAX_LENGTH + 2 * GUARD];
};

void sweep(const kernel& tested) {
  random_numbers random{1};
  auto b = std::make_unique<trial_bench>(tested, random);
  for (size_t length = 0; length <= 2100; length++) {
    b->check(length, length % 37, length % 64, (length * 7) % 64, length % 2 == 0);
    if (length % 8 == 3) b->check_forgery(length, length % 37, random.next());
  }
  for (size_t position = 0; position < 64; position++) {
    for (const size_t length : {1, 17, 100, 600, 1111}) b->check(length, 16, position, 63 - position, position % 2 == 0);
  }
  for (size_t aad = 0; aad <= 1200; aad++) b->check(33, aad, 0, 0, true);
  for (size_t bit = 0; bit < 8 * (TAG_BYTES + 40 + 8); bit++) b->check_forgery(40, 8, bit);
}

// The counter of a message starts at 1 (GCM) or 0 (ChaCha20) in use; here just before its wrap.
void counters(const kernel& tested) {
  random_numbers random{2};
  auto b = std::make_unique<trial_bench>(tested, random);
  const bool is_gcm = tested.does == operation::aes_256_gcm;
  for (uint32_t before = 1; before <= 5; before++) {
    const uint32_t aligned = 0 - before * static_cast<uint32_t>(COUNTER_ALIGNMENT);
    b->set_counter(is_gcm ? aligned + 1 : 0 - before);
    for (size_t length = 0; length <= 3000; length += 1 + length % 13) b->check(length, 16, 0, 0, true);
  }
}

void random_records(const kernel& tested, uint64_t count, uint64_t seed) {
  random_numbers random{seed};
  std::unique_ptr<trial_bench> b;
  for (uint64_t i = 0; i < count; i++) {
    if (i % 1000 == 0) b = std::make_unique<trial_bench>(tested, random);
    random.fill(b->start + 4, 8);
    const size_t length = random.below(random.below(10) == 0 ? 4700 : 300), aad = random.below(random.below(10) == 0 ? 700 : 40);
    b->check(length, aad, random.below(64), random.below(64), random.below(2) == 0);
    if (i % 4 == 0) b->check_forgery(length, aad, random.next());
  }
}

// ---- replay

std::vector<uint8_t> from_hex(const std::string& text) {
  std::vector<uint8_t> bytes;
  for (size_t i = 0; text != "-" && i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<uint8_t>(std::stoul(text.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

std::string to_hex(const uint8_t* bytes, size_t n) {
  std::string text;
  char pair[3];
  for (size_t i = 0; i < n; i++) {
    snprintf(pair, sizeof pair, "%02x", bytes[i]);
    text += pair;
  }
  return n == 0 ? "-" : text;
}

int replay() {
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string name, key_text, start_text, aad_text, text_text;
    words >> name >> key_text >> start_text >> aad_text >> text_text;
    const kernel* tested = usable_kernel(name);
    const auto key = from_hex(key_text), start = from_hex(start_text), aad = from_hex(aad_text);
    auto text = from_hex(text_text);
    if (tested == nullptr || key.size() != KEY_BYTES || start.size() != START_BLOCK_BYTES) {
      printf("cannot run: %s\n", line.c_str());
      return 1;
    }
    key_state state;
    uint8_t tag[TAG_BYTES];
    tested->prepare(state, key.data());
    tested->seal(state, {start.data(), aad.data(), aad.size(), text.data(), text.size(), text.data()}, tag);
    printf("%s %s\n", to_hex(text.data(), text.size()).c_str(), to_hex(tag, TAG_BYTES).c_str());
  }
  return 0;
}

// ---- secrets: memcheck reports every branch and every address that depends on bytes marked as undefined.

void run_with_secrets(const kernel& tested, size_t length) {
  key_state state;
  uint8_t key[KEY_BYTES] = {1}, tag[TAG_BYTES], text[MAX_LENGTH] = {2}, out[MAX_LENGTH], aad[13] = {3};
  start_block start = {4};
  if (tested.does == operation::aes_256_gcm) memcpy(start + 12, "\0\0\0\1", 4);
  MARK_SECRET(key, sizeof key);
  MARK_SECRET(text, sizeof text);
  tested.prepare(state, key);
  tested.seal(state, {start, aad, sizeof aad, text, length, out}, tag);
  // The answer of `open` is public by design: kernels mark it through the barrier in equal_tags.
  const bool opened = tested.open(state, {start, aad, sizeof aad, out, length, out}, tag);
  MARK_PUBLIC(&opened, sizeof opened);
  tag[3] ^= 1;
  const bool forged = tested.open(state, {start, aad, sizeof aad, out, length, out}, tag);
  MARK_PUBLIC(&forged, sizeof forged);
  if (!opened || forged) fail(tested, "wrong verdict", length, sizeof aad, 0);
}

int leak() {
  const kernel& tested = AES_GCM_PORTABLE;
  key_state state;
  uint8_t key[KEY_BYTES] = {1}, tag[TAG_BYTES];
  start_block start = {4};
  MARK_SECRET(key, sizeof key);
  tested.prepare(state, key);
  tested.seal(state, {start, nullptr, 0, nullptr, 0, nullptr}, tag);
  size_t same = 0;
  while (same < TAG_BYTES && tag[same] == 0) same++;
  printf("%zu\n", same);
  return 0;
}

void secrets(const kernel& tested) {
  for (const size_t length : {0, 1, 16, 64, 100, 128, 300, 513, 1500}) run_with_secrets(tested, length);
}

// ---- timing, as in O. Reparaz et al., "Dude, is my code constant time?" (2017)

struct running_mean {
  double n = 0, mean = 0, squares = 0;
  void add(double x) {
    n++;
    const double off = x - mean;
    mean += off / n;
    squares += off * (x - mean);
  }
  double variance() const { return squares / (n - 1); }
};

// |t| between refusals of tags whose first or whose last byte is wrong, in random order. The slowest tenth of all samples are
// interruptions and left out.
double difference_of_refusals(const kernel& tested) {
  using clock = std::chrono::steady_clock;
  constexpr size_t SAMPLES = 40000, LENGTH = 16, OPENINGS = 8;
  random_numbers random{11};
  key_state state;
  uint8_t key[KEY_BYTES], text[LENGTH] = {}, sealed[LENGTH], out[LENGTH], tag[TAG_BYTES];
  start_block start = {};
  if (tested.does == operation::aes_256_gcm) start[15] = 1;
  random.fill(key, sizeof key);
  tested.prepare(state, key);
  tested.seal(state, {start, nullptr, 0, text, LENGTH, sealed}, tag);

  std::vector<double> times(SAMPLES);
  std::vector<uint8_t> is_late(SAMPLES);
  for (size_t i = 0; i < SAMPLES; i++) {
    is_late[i] = static_cast<uint8_t>(random.next() & 1);
    uint8_t forged[TAG_BYTES];
    memcpy(forged, tag, TAG_BYTES);
    forged[is_late[i] ? TAG_BYTES - 1 : 0] ^= 1;
    const auto began = clock::now();
    for (size_t k = 0; k < OPENINGS; k++) {
      if (tested.open(state, {start, nullptr, 0, sealed, LENGTH, out}, forged)) fail(tested, "accepted a forgery", LENGTH, 0, i);
    }
    times[i] = std::chrono::duration<double, std::nano>(clock::now() - began).count();
  }
  std::vector<double> sorted = times;
  std::nth_element(sorted.begin(), sorted.begin() + SAMPLES * 9 / 10, sorted.end());
  const double limit = sorted[SAMPLES * 9 / 10];
  running_mean of[2];
  for (size_t i = 0; i < SAMPLES; i++) {
    if (times[i] <= limit) of[is_late[i]].add(times[i]);
  }
  const double error = std::sqrt(of[0].variance() / of[0].n + of[1].variance() / of[1].n);
  return error == 0 ? 0 : std::fabs(of[0].mean - of[1].mean) / error;
}

// A comparison that ends early reaches hundreds; noise of a shared machine can reach the limit once, hardly thrice.
void timing(const kernel& tested) {
  constexpr double LIMIT = 10;
  double t = 0;
  for (int attempt = 0; attempt < 3; attempt++) {
    t = difference_of_refusals(tested);
    if (t < LIMIT) return;
  }
  printf("t = %.1f: ", t);
  fail(tested, "the time of a refusal depends on where the tag is wrong", 16, 0, 0);
}

}  // namespace

int main(int count, char** words) {
  const std::string command = count > 1 ? words[1] : "";
  if (command == "replay") return replay();
  if (command == "leak") return leak();
  for (const kernel* tested : usable_kernels()) {
    if (command == "sweep") {
      sweep(*tested);
    } else if (command == "counters") {
      counters(*tested);
    } else if (command == "random" && count == 4) {
      random_records(*tested, strtoull(words[2], nullptr, 10), strtoull(words[3], nullptr, 10));
    } else if (command == "secrets") {
      secrets(*tested);
    } else if (command == "timing") {
      timing(*tested);
    } else if (command != "list") {
      fprintf(stderr, "usage: kernel_checks list | sweep | counters | random COUNT SEED | replay | secrets | leak | timing\n");
      return 2;
    }
    printf("ok %s\n", tested->name);
  }
  return 0;
}
