// TaskModules and TrainableTask: what training changes, behind one interface: the modules of a task
// and its head, as tensors that require gradients.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "adapters/model/differentiable_encoder.h"
#include "adapters/model/dropout.h"
#include "runtime/model/encoder.h"
#include "runtime/model/tensor_file.h"
#include "runtime/task/adapter.h"
#include "runtime/task/format/adapter_folder.h"

namespace fathom::training {

// What the planner and the executor run: without gradients, fp32.
struct FrozenTask {
  std::shared_ptr<const Encoder> encoder;  // null: the one that was given, training left it alone
  Adapter adapter;
  Head head;
};

// The modules of a task as Branch sees them. Const functions may be called from several threads at
// once, but where a class says otherwise.
class TaskModules {
 public:
  virtual ~TaskModules() = default;

  // Where the task forks from the trunk, and what its modules read.
  virtual const AdapterLayout& layout() const = 0;

  // What the modules at one place of one layer add there: input [R, H] -> [R, H]. Differentiable in
  // the input and in the task's parameters. REQUIRES: layout().HasModule(layer, place).
  virtual at::Tensor Delta(int layer, Place place, const at::Tensor& input,
                           Dropout& dropout) const = 0;

 protected:
  TaskModules() = default;
  TaskModules(const TaskModules&) = default;
  TaskModules& operator=(const TaskModules&) = default;
};

// Where a trained task is written, and what its files say of the encoder.
struct TaskDestination {
  std::string folder;
  std::string name;  // of the task
  std::string architecture;
  const EncoderConfig& encoder;
  std::string encoder_name;
  std::string encoder_folder;  // where it was read from
  WeightDtype dtype = WeightDtype::kFp32;
};

class TrainableTask : public TaskModules {
 public:
  // Null: the encoder is frozen. Otherwise the task's own, whose weights are trained from the
  // embeddings on: there is no fork and no trunk.
  virtual const DifferentiableEncoder* trained_encoder() const { return nullptr; }

  // Added to the loss of a step, once; undefined: nothing.
  virtual at::Tensor Penalty() const { return {}; }

  // A copy as a reader of a file with `dtype` weights gets it.
  virtual FrozenTask Freeze(WeightDtype dtype) const = 0;

  // The task as it is now, in the form that its kind has on disk. The folder appears under its name
  // only when it is complete. Errors name the file.
  virtual absl::Status Write(const TaskDestination& to, TrainingRecord record) const = 0;

  // Its tensors are the trained ones.
  const Head& head() const { return head_; }

  // By name, in a fixed order: the same tensors, to optimize, save and restore.
  const TensorMap& named() const { return named_; }

  // A copy that later steps do not change.
  TensorMap Snapshot() const;
  // Writes `values` into the parameters. INVALID_ARGUMENT, and nothing is changed, unless names and
  // shapes are exactly these.
  absl::Status Assign(const TensorMap& values);

 protected:
  TrainableTask() = default;
  // A copy would share the tensors.
  TrainableTask(const TrainableTask&) = delete;
  TrainableTask& operator=(const TrainableTask&) = delete;
  TrainableTask(TrainableTask&&) = default;

  // The head of the `adapters` library's default: linear [H, H], tanh, linear [C, H]. `labels` [C];
  // empty: regression.
  void MakeHead(int hidden_size, const std::vector<std::string>& labels, uint64_t seed);
  // Goes on from a trained one.
  void UseHead(const Head& head);
  Head FrozenHead(WeightDtype dtype) const;

  TensorMap named_;

 private:
  void NameHead();

  Head head_;
};

}  // namespace fathom::training
