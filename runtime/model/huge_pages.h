// Memory for weights that are streamed: in huge pages where the system gives them, which saves a
// look-up of an address every 4 KB.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace fathom {

// `floats` numbers, not initialised, fp32 on the CPU.
at::Tensor EmptyInHugePages(int64_t floats);

}  // namespace fathom
