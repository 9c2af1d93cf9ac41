#include "runtime/task/format/tensor_taker.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "runtime/model/json_fields.h"

namespace fathom {
namespace {

std::string ShapeText(at::IntArrayRef shape) {
  return absl::StrCat("[", absl::StrJoin(shape, ", "), "]");
}

}  // namespace

at::Tensor TensorTaker::Take(const std::string& name, at::IntArrayRef shape) {
  if (!status_.ok()) return {};
  auto node = tensors_.extract(name);
  if (node.empty()) {
    status_ = absl::InvalidArgumentError(
        absl::StrCat("tensor ", Quote(name), " is missing, expected shape ", ShapeText(shape)));
    return {};
  }
  const at::Tensor& tensor = node.mapped();
  if (tensor.sizes() != shape) {
    status_ = absl::InvalidArgumentError(absl::StrCat("tensor ", Quote(name), " has shape ",
                                                      ShapeText(tensor.sizes()), ", expected ",
                                                      ShapeText(shape)));
    return {};
  }
  if (!tensor.is_floating_point()) {
    status_ = absl::InvalidArgumentError(absl::StrCat("tensor ", Quote(name), " holds ",
                                                      c10::toString(tensor.scalar_type()),
                                                      ", expected floating point"));
    return {};
  }
  return tensor;
}

void TensorTaker::RefuseRest() {
  if (!status_.ok() || tensors_.empty()) return;
  const auto& [name, tensor] = *tensors_.begin();
  status_ = absl::InvalidArgumentError(
      absl::StrCat("tensor ", Quote(name), " of shape ", ShapeText(tensor.sizes()),
                   " is unexpected: the config has no place for it"));
}

}  // namespace fathom
