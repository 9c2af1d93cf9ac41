// The pickle inside a torch.save file, reduced to what a dict of tensors needs. Nothing in it is
// executed: a handful of opcodes and of global names is known, and everything else is refused.
//
// LibTorch's own Unpickler is not used for reading: it takes the size of a storage from the pickle
// and not from the record, so that a crafted file reads outside of its buffer.
#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace fathom {

// A tensor as the pickle describes it. All numbers are as the file has them, none is checked
// against the record of the storage.
struct PickledTensor {
  std::string name;
  c10::ScalarType dtype = c10::ScalarType::Float;
  std::string storage_key;   // the record "data/<key>"
  int64_t storage_size = 0;  // in elements
  int64_t offset = 0;        // in elements
  std::vector<int64_t> sizes;
  std::vector<int64_t> strides;
};

// The tensors of a pickled dict or OrderedDict. INVALID_ARGUMENT says what the pickle holds
// instead.
absl::StatusOr<std::vector<PickledTensor>> ParseTensorPickle(std::string_view bytes);

}  // namespace fathom
