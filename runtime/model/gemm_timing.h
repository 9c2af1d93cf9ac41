// GemmTiming: the times of an encoder's GEMMs on this machine, candidate by candidate.
#pragma once

#include <chrono>
#include <vector>

#include "absl/types/span.h"
#include "runtime/model/encoder_config.h"
#include "runtime/model/gemm_choice.h"

namespace fathom {

// For every precision and shape of a layer the time of every candidate at 1 … 512 rows, the least
// of some visits. Weights are made here in the encoder's shapes (times do not depend on their
// values) and are as cold as in a pass: layers take turns, and no two candidates that share weights
// follow each other. Precisions take turns too, so that what else the machine does slows both.
// Takes about `budget`, but at least three rounds over all knots. At at::get_num_threads() threads.
// REQUIRES: fp32, or bf16 where HasBf16().
std::vector<ShapeTimes> MeasureGemms(const EncoderConfig& config,
                                     absl::Span<const Precision> precisions,
                                     std::chrono::milliseconds budget);

}  // namespace fathom
