// The adapters and the fusion weights of a folder, checked as far as their headers go.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/model/encoder_config.h"
#include "runtime/task/format/adapter_config.h"
#include "runtime/task/format/fusion_config.h"
#include "runtime/task/format/weight_file.h"
#include "runtime/task/fusion.h"

namespace fathom {

struct CheckedFusion {
  struct Member {
    AdapterConfig config;
    WeightFile file;
  };
  FusionConfig config;
  WeightFile file;  // of the fusion's own weights
  std::vector<Member> members;
};

// INVALID_ARGUMENT for adapters that Fathom does not fuse.
absl::Status CheckFusable(const AdapterLayout& layout);

// Configs and places of the files of `folder`; ReadFusion checks the tensors.
absl::StatusOr<CheckedFusion> CheckFusion(const std::string& folder, const FusionSetup& setup,
                                          const EncoderConfig& encoder);

// The tensors of the files, not copies: in their dtype, or on the meta device if their data was
// left.
absl::StatusOr<Fusion> ReadFusion(const CheckedFusion& fusion, const EncoderConfig& encoder,
                                  TensorData data);

// FAILED_PRECONDITION names the file that is gone or another one.
absl::Status CheckUnchanged(const CheckedFusion& fusion);

}  // namespace fathom
