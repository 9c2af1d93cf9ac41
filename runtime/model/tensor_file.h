// Named tensors from files: .safetensors (memory-mapped), sharded folders of them, and torch.save
// files (.bin). The bytes of a file are not trusted: every offset, size, shape and name is checked.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace fathom {

// CPU tensors by name, in the dtype of the file.
using TensorMap = std::map<std::string, at::Tensor, std::less<>>;

enum class TensorData : uint8_t {
  kRead,
  // The file is checked as far as its header goes, a file too short for it included; its tensors
  // are on the meta device: dtype and shape, and no data. No byte of data is touched.
  kLeave,
};

// The tensors are read-only views of a private mapping of the file, which lives as long as any of
// them; pages are read when touched. A tensor that is not aligned for its dtype is copied.
// INVALID_ARGUMENT names the file and what is wrong with it; NOT_FOUND: no such file.
absl::StatusOr<TensorMap> ReadSafetensors(const std::string& path,
                                          TensorData data = TensorData::kRead);

// model.safetensors, or all the shards that model.safetensors.index.json lists.
absl::StatusOr<TensorMap> ReadModelFolder(const std::string& folder);

// A zip-format torch.save of a dict or an OrderedDict of tensors, read without running any of its
// pickle code.
absl::StatusOr<TensorMap> ReadTorchFile(const std::string& path,
                                        TensorData data = TensorData::kRead);

// Both write to a temporary file in the same folder and rename it, so that a reader (or a full
// disk) never sees half a file. The .bin opens with torch.load(weights_only=True).
absl::Status WriteSafetensors(const std::string& path, const TensorMap& tensors);
absl::Status WriteTorchFile(const std::string& path, const TensorMap& tensors);

}  // namespace fathom
