// TensorTaker: gives out the tensors of a weight file by name, so that at the end none is missing,
// unexpected or of another shape than the config says.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "absl/status/status.h"
#include "runtime/model/tensor_file.h"

namespace fathom {

// Keeps the first error; all messages name the tensor.
class TensorTaker {
 public:
  explicit TensorTaker(TensorMap tensors) : tensors_(std::move(tensors)) {}

  // The tensor as the file has it, on the meta device if the file's data was left. Undefined after
  // an error.
  at::Tensor Take(const std::string& name, at::IntArrayRef shape);

  // Call after the last Take.
  void RefuseRest();

  const absl::Status& status() const { return status_; }

 private:
  TensorMap tensors_;
  absl::Status status_;
};

}  // namespace fathom
