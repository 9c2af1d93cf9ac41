// Between the layers of a fusion and the tensor names of its weight files.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "runtime/model/tensor_file.h"
#include "runtime/task/format/fusion_config.h"
#include "runtime/task/fusion.h"

namespace fathom {

// Sets fusion.layers where a member stands. Tensors of other layers, which the library makes too,
// and those of other fusions, which it saves along when their names begin alike, are ignored. The
// tensors are those of the file.
absl::Status ReadFusionLayers(const FusionConfig& config, int hidden_size, const TensorMap& tensors,
                              Fusion& fusion);

// Names with "bert.". The tensors are those of the fusion, not copies.
TensorMap FusionTensors(const Fusion& fusion, const std::string& name);

}  // namespace fathom
