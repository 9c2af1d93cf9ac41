// MeasureFusionAttention: how much a fusion uses each of its adapters on a data set.
#pragma once

#include <functional>
#include <memory>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "adapters/data/dataset.h"
#include "adapters/model/attention_meter.h"
#include "runtime/model/encoder.h"

namespace fathom::training {

// The mean attention weights over all rows of all texts at n = 0, without dropout. `encoder` has
// plain weights. `progress` is called with the texts done; CANCELLED if it returns false.
absl::StatusOr<MemberWeights> MeasureFusionAttention(
    std::shared_ptr<const Encoder> encoder, const FusionTask& fusion, const Dataset& data,
    absl::FunctionRef<bool(int64_t texts)> progress);

}  // namespace fathom::training
