// Working memory of one thread.
#pragma once

#include <cstddef>

namespace fathom::kernels {

// At least `floats` floats, aligned to vectors and cache lines, contents undefined. Valid until the
// calling thread asks again. Kept and grown as needed, so that a kernel in steady state allocates
// nothing; freed with the thread.
float* ThreadScratch(size_t floats);

}  // namespace fathom::kernels
