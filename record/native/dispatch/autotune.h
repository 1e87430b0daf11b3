// Measures kernels and picks the winner of each size bucket.
#pragma once

#include "dispatch.h"

namespace xps {

// Fills in the nanoseconds of every usable trial and the winners of the table. A few milliseconds.
void autotune(dispatch_table& table) noexcept;

// From measurements. Where 512-bit vectors cost the core its clock, a 512-bit kernel has to win a bucket clearly.
void choose_winners(dispatch_table& table, bool wide_vectors_cost) noexcept;

}  // namespace xps
