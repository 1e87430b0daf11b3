#include "autotune.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <new>

namespace xps {
namespace {

// The best of several short rounds: an interruption makes a round longer, nothing makes it shorter.
constexpr int ROUNDS = 5;
constexpr size_t BYTES_PER_ROUND = 32768;
constexpr size_t LONGEST = BUCKETS[BUCKET_COUNT - 1];
// Measured differences below this are noise; the preferred kernel (earlier in the list) keeps the bucket.
constexpr float NOISE = 0.03f;
// Where 512-bit vectors lower the clock for everything on the core, a kernel must gain that much to be worth it.
constexpr float CLOCK_PRICE = 0.25f;

struct bench {
  key_state state;
  start_block start;
  uint8_t aad[16];
  alignas(64) uint8_t text[LONGEST];
};

float nanoseconds_of(const kernel& measured, bench& b, size_t length) {
  using clock = std::chrono::steady_clock;
  const int times = static_cast<int>(std::clamp<size_t>(BYTES_PER_ROUND / length, 1, 64));
  const message m{b.start, b.aad, sizeof b.aad, b.text, length, b.text};
  uint8_t tag[TAG_BYTES];
  auto best = clock::duration::max();
  for (int round = 0; round < ROUNDS; round++) {
    const auto began = clock::now();
    for (int i = 0; i < times; i++) measured.seal(b.state, m, tag);
    best = std::min(best, clock::now() - began);
  }
  return std::chrono::duration<float, std::nano>(best).count() / static_cast<float>(times);
}

// Narrow kernels first for the comparison: a wide one has to be faster by its margin.
bool beats(const trial& wide, const trial& best, size_t bucket, float margin) {
  return wide.nanoseconds[bucket] * (1 + margin) < best.nanoseconds[bucket];
}

}  // namespace

void autotune(dispatch_table& table) noexcept {
  const std::unique_ptr<bench> b(new (std::nothrow) bench{});
  for (size_t i = 0; i < table.trial_count; i++) {
    trial& t = table.trials[i];
    if (t.outcome != verdict::usable || b == nullptr) continue;
    memset(b->start, 0, sizeof b->start);
    if (t.tried->does == operation::aes_256_gcm) b->start[START_BLOCK_BYTES - 1] = 1;
    t.tried->prepare(b->state, b->text);
    for (size_t bucket = 0; bucket < BUCKET_COUNT; bucket++) {
      t.nanoseconds[bucket] = nanoseconds_of(*t.tried, *b, BUCKETS[bucket]);
    }
  }
  choose_winners(table, wide_vectors_cost_clock());
}

void choose_winners(dispatch_table& table, bool wide_vectors_cost) noexcept {
  const float price = wide_vectors_cost ? CLOCK_PRICE : NOISE;
  for (size_t o = 0; o < OPERATION_COUNT; o++) {
    for (size_t bucket = 0; bucket < BUCKET_COUNT; bucket++) {
      const trial* best = nullptr;
      for (size_t i = 0; i < table.trial_count; i++) {
        const trial& t = table.trials[i];
        if (t.outcome != verdict::usable || t.tried->does != static_cast<operation>(o)) continue;
        if (best == nullptr) {
          best = &t;
        } else if (best->tried->vector_bits == 512 ? !beats(*best, t, bucket, price) : beats(t, *best, bucket, NOISE)) {
          best = &t;
        }
      }
      table.winners[o][bucket] = best == nullptr ? nullptr : best->tried;
    }
  }
}

}  // namespace xps
