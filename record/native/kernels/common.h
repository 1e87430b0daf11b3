// Shared by kernel sources only. Everything here has internal linkage on purpose: each kernel source is compiled for
// its own instruction set, and a shared inline function could be linked from the wrong one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(XPS_WITH_VALGRIND)
#include <valgrind/memcheck.h>
#define XPS_PUBLIC(p, n) VALGRIND_MAKE_MEM_DEFINED(p, n)
#else
#define XPS_PUBLIC(p, n) (void)(p)
#endif

#define XPS_INLINE [[gnu::always_inline]] inline
#define XPS_ALWAYS __attribute__((always_inline))  // for lambdas

namespace xps {
namespace {

XPS_INLINE uint32_t load32_le(const uint8_t* p) {
  uint32_t value;
  memcpy(&value, p, 4);
  return value;
}

XPS_INLINE uint64_t load64_le(const uint8_t* p) {
  uint64_t value;
  memcpy(&value, p, 8);
  return value;
}

XPS_INLINE void store32_le(uint8_t* p, uint32_t value) { memcpy(p, &value, 4); }
XPS_INLINE void store64_le(uint8_t* p, uint64_t value) { memcpy(p, &value, 8); }

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "kernels assume a little-endian machine");

// A plain memset before the end of a lifetime may be removed by the compiler; the barrier keeps it.
XPS_INLINE void wipe(void* p, size_t length) {
  if (length > 0) memset(p, 0, length);  // an empty message may have no address
  asm volatile("" : : "r"(p) : "memory");
}

// No branch and no early end: the time tells nothing of where two tags differ.
XPS_INLINE bool equal_tags(const uint8_t* a, const uint8_t* b) {
  uint64_t difference = (load64_le(a) ^ load64_le(b)) | (load64_le(a + 8) ^ load64_le(b + 8));
  asm volatile("" : "+r"(difference));
  XPS_PUBLIC(&difference, sizeof difference);  // whether a record is authentic is no secret: it may decide branches
  return difference == 0;
}

}  // namespace
}  // namespace xps
