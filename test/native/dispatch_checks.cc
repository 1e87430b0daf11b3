// Dispatch on machines and with kernels that are not here: measurements that were made up, kernels that are wrong.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "../../record/native/dispatch/autotune.h"
#include "../../record/native/dispatch/dispatch.h"
#include "../../record/native/dispatch/known_answers.h"

using namespace xps;

namespace {

void demand(bool holds, const char* what) {
  if (holds) return;
  printf("FAILED: %s\n", what);
  exit(1);
}

constexpr operation GCM = operation::aes_256_gcm;
const kernel WIDE = {"wide", GCM, 0, 512, true, nullptr, nullptr, nullptr};
const kernel MIDDLE = {"middle", GCM, 0, 256, true, nullptr, nullptr, nullptr};

// Who wins when the 512-bit kernel takes `wide` and the 256-bit one `middle` nanoseconds.
const kernel* winner(float wide, float middle, bool cost, verdict of_wide = verdict::usable) {
  dispatch_table table;
  table.trials[0] = {&WIDE, of_wide, {}};
  table.trials[1] = {&MIDDLE, verdict::usable, {}};
  table.trial_count = 2;
  for (size_t bucket = 0; bucket < BUCKET_COUNT; bucket++) {
    table.trials[0].nanoseconds[bucket] = wide;
    table.trials[1].nanoseconds[bucket] = middle;
  }
  choose_winners(table, cost);
  demand(table.winner(operation::chacha20_poly1305, 64) == nullptr, "an operation without kernels has no winner");
  return table.winner(GCM, 1000);
}

void check_demotion() {
  demand(winner(80, 100, false) == &WIDE, "a wide kernel that is faster wins");
  demand(winner(99, 100, false) == &MIDDLE, "within the noise it does not");
  demand(winner(120, 100, false) == &MIDDLE, "nor when it is slower");
  demand(winner(90, 100, true) == &MIDDLE, "where it costs the clock, a little faster is not enough");
  demand(winner(70, 100, true) == &WIDE, "much faster is");
  demand(winner(10, 100, false, verdict::failed_answers) == &MIDDLE, "wrong answers never win");
  demand(winner(10, 100, false, verdict::masked) == &MIDDLE, "nor does what is masked");
}

void check_buckets() {
  for (size_t length = 0; length <= 200000; length++) {
    size_t expected = 0;
    while (expected + 1 < BUCKET_COUNT && length > BUCKETS[expected]) expected++;
    demand(bucket_of(length) == expected, "a length lies in the first bucket that holds it");
  }
}

// The portable kernel with one mistake each.
void wrong_text(const key_state& state, const message& m, uint8_t* tag) {
  AES_GCM_PORTABLE.seal(state, m, tag);
  if (m.length > 1000) tag[0] ^= 1;  // only long messages: a fault of one path
}

bool accepts_all(const key_state& state, const message& m, const uint8_t* tag) {
  AES_GCM_PORTABLE.open(state, m, tag);
  return true;
}

bool leaves_forgeries(const key_state& state, const message& m, const uint8_t* tag) {
  const bool authentic = AES_GCM_PORTABLE.open(state, m, tag);
  if (!authentic && m.length > 0) m.out[m.length - 1] = 1;
  return authentic;
}

bool refuses_all(const key_state&, const message& m, const uint8_t*) {
  if (m.length > 0) memset(m.out, 0, m.length);
  return false;
}

void check_known_answers() {
  demand(gives_known_answers(AES_GCM_PORTABLE), "the portable kernel passes");
  kernel wrong = AES_GCM_PORTABLE;
  wrong.seal = wrong_text;
  demand(!gives_known_answers(wrong), "a wrong tag is noticed");
  for (const auto open : {accepts_all, leaves_forgeries, refuses_all}) {
    wrong = AES_GCM_PORTABLE;
    wrong.open = open;
    demand(!gives_known_answers(wrong), "a wrong opening is noticed");
  }
}

}  // namespace

int main() {
  check_demotion();
  check_buckets();
  check_known_answers();
  puts("ok");
}
