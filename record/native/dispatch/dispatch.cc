#include "dispatch.h"

#include <mutex>

#include "autotune.h"
#include "known_answers.h"

namespace xps {

constinit std::atomic<const dispatch_table*> current_dispatch = nullptr;

namespace {

constexpr const kernel* COMPILED[] = {
#if defined(__x86_64__)
    &AES_GCM_VAES512, &AES_GCM_VAES256, &AES_GCM_AESNI,
    &CHACHA20_POLY1305_AVX512, &CHACHA20_POLY1305_AVX2,
#elif defined(__aarch64__)
    &AES_GCM_NEON, &CHACHA20_POLY1305_NEON,
#endif
    &AES_GCM_PORTABLE, &CHACHA20_POLY1305_PORTABLE,
};
static_assert(std::size(COMPILED) <= MAX_KERNELS);

constinit std::mutex mutex;
constinit uint32_t allowed = ~0u;
constinit dispatch_table table;

verdict judge(const kernel& tested) {
  if ((tested.required & ~cpu_isa()) != 0) return verdict::lacks_isa;
  if ((tested.required & ~allowed) != 0) return verdict::masked;
  if (!gives_known_answers(tested)) return verdict::failed_answers;
  // XChaCha20 puts it in front of every ChaCha20 kernel.
  if (tested.does == operation::chacha20_poly1305 && !hchacha20_gives_known_answer()) return verdict::failed_answers;
  return verdict::usable;
}

}  // namespace

const dispatch_table& dispatch() noexcept {
  if (const dispatch_table* published = published_dispatch()) return *published;
  const std::lock_guard hold(mutex);
  if (const dispatch_table* published = published_dispatch()) return *published;
  for (const kernel* tested : COMPILED) table.trials[table.trial_count++] = {.tried = tested, .outcome = judge(*tested)};
  autotune(table);
  current_dispatch.store(&table, std::memory_order_release);
  return table;
}

bool restrict_isa(uint32_t mask) noexcept {
  const std::lock_guard hold(mutex);
  if (published_dispatch() != nullptr) return mask == allowed;
  allowed = mask;
  return true;
}

uint32_t allowed_isa() noexcept {
  const std::lock_guard hold(mutex);
  return allowed;
}

const kernel* usable_kernel(std::string_view name) noexcept {
  const dispatch_table& decided = dispatch();
  for (size_t i = 0; i < decided.trial_count; i++) {
    const trial& t = decided.trials[i];
    if (t.outcome == verdict::usable && t.tried->name == name) return t.tried;
  }
  return nullptr;
}

std::span<const kernel* const> compiled_kernels() noexcept { return COMPILED; }

}  // namespace xps
