// CostTiming: the CostTable of an encoder on this machine, measured with the executor's own
// operations.
#pragma once

#include <chrono>
#include <memory>

#include "runtime/depth/cost_model.h"
#include "runtime/model/encoder.h"

namespace fathom {

// At at::get_num_threads() threads, layers in turn so that weights are as cold as in a pass. Takes
// about `budget` and at least a few rounds. Whole passes at the end scale the table, for what
// operations alone do not show (page faults, threads that wait for each other).
CostTable MeasureCosts(const std::shared_ptr<const Encoder>& encoder,
                       std::chrono::milliseconds budget);

}  // namespace fathom
