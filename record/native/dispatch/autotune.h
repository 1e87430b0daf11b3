// Measures kernels and picks the winner of each size bucket.
#pragma once

#include "dispatch.h"

namespace xps {

// Fills in the nanoseconds of every usable trial and the winners of the table. A few milliseconds.
void autotune(dispatch_table& table) noexcept;

}  // namespace xps
