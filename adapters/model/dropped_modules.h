// DroppedModules: a task without its modules in some layers, for one training step.
#pragma once

#include <vector>

#include "adapters/model/trainable_task.h"

namespace fathom::training {

class DroppedModules : public TaskModules {
 public:
  // `dropped` [L]; empty: none. `task` outlives it.
  DroppedModules(const TaskModules& task, const std::vector<bool>& dropped)
      : task_(task), layout_(task.layout()) {
    for (size_t layer = 0; layer < dropped.size(); ++layer) {
      if (dropped[layer]) layout_.left_out[layer] = true;
    }
  }

  const AdapterLayout& layout() const override { return layout_; }
  at::Tensor Delta(int layer, Place place, const at::Tensor& input,
                   Dropout& dropout) const override {
    return task_.Delta(layer, place, input, dropout);
  }

 private:
  const TaskModules& task_;
  AdapterLayout layout_;
};

}  // namespace fathom::training
