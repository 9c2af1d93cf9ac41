// Include before <hwy/highway.h> in every SIMD source of this folder.
#pragma once

// The kernels keep tiles of vectors in arrays, which needs vectors of a size known to the compiler.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
