// TaskParameters: what training changes: an adapter and its head, as tensors that require
// gradients.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "runtime/model/tensor_file.h"
#include "runtime/task/adapter.h"
#include "runtime/task/format/adapter_folder.h"

namespace fathom::training {

struct TaskDesign {
  AdapterLayout layout;
  int hidden_size = 0;              // H
  int bottleneck = 0;               // D
  std::vector<std::string> labels;  // [C]; empty: regression
};

// The head is the `adapters` library's default: linear [H, H], tanh, linear [C, H].
class TaskParameters {
 public:
  // Weights from N(0, 0.02), biases 0. Equal designs and seeds give equal weights.
  TaskParameters(const TaskDesign& design, uint64_t seed);

  // They share the trained tensors' storage.
  const Adapter& adapter() const { return adapter_; }
  const Head& head() const { return head_; }

  // By name, in a fixed order: the same tensors, to optimize, save and restore.
  const TensorMap& named() const { return named_; }

  // A copy that later steps do not change.
  TensorMap Snapshot() const;
  // Writes `values` into the parameters. INVALID_ARGUMENT, and nothing is changed, unless names and
  // shapes are exactly these.
  absl::Status Assign(const TensorMap& values);

  // Adapter and head of their own for serving, as a reader of a file with `dtype` weights gets
  // them: rounded to it, fp32, without gradients.
  Adapter FrozenAdapter(WeightDtype dtype) const;
  Head FrozenHead(WeightDtype dtype) const;

 private:
  Adapter adapter_;
  Head head_;
  TensorMap named_;
};

}  // namespace fathom::training
