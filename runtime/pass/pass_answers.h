// PassAnswers: from the last layer's states to what the texts and tasks of a pass answer: a head's
// logits, or the pooled state itself.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "runtime/engine.h"
#include "runtime/model/encoder.h"
#include "runtime/pass/ops/op_table.h"
#include "runtime/pass/plan.h"
#include "runtime/task/adapter.h"

namespace fathom {

// Holds the buffers of a pass: for one thread at a time.
class PassAnswers {
 public:
  // One (text, task) of a pass.
  struct Item {
    PassTask task;
    const Head* head = nullptr;    // of task.task; null without one
    Rows rows;                     // PlanOutput::rows
    TaskOutput* output = nullptr;  // what is written
  };

  // All heads in one call, a task's rows together. A number that is not finite is an error of its
  // item. state [R, H]: the last layer's.
  void Answer(absl::Span<const Item> items, const Encoder& encoder, const at::Tensor& state);

 private:
  void RunHeads(absl::Span<const Item> items, const Encoder& encoder, const at::Tensor& state);

  std::vector<size_t> by_task_;     // items that a head answers, sorted by it
  std::vector<int64_t> head_rows_;  // of the state, in the order of by_task_
  std::vector<float> logits_;       // the same
  std::vector<ops::HeadRows> heads_;
};

}  // namespace fathom
