#include "runtime/task/pack_weights.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

namespace fathom {
namespace {

constexpr int64_t kLineFloats = 64 / sizeof(float);  // what LibTorch aligns allocations to, too

int64_t PackedFloats(const at::Tensor& tensor) {
  return (tensor.numel() + kLineFloats - 1) / kLineFloats * kLineFloats;
}

// Every tensor that is there, layer by layer, then the head's.
template <typename TaskAdapter, typename TaskHead, typename Visit>
void ForEachTensor(TaskAdapter& adapter, TaskHead* head, Visit visit) {
  for (auto& places : adapter.modules) {
    for (auto& module : places) {
      if (!module) continue;
      visit(module->down_weight);
      visit(module->down_bias);
      visit(module->up_weight);
      visit(module->up_bias);
    }
  }
  for (auto& places : adapter.fusions) {
    for (auto& fusion : places) {
      if (!fusion) continue;
      visit(fusion->read_weight);
      visit(fusion->read_bias);
      visit(fusion->write_weight);
    }
  }
  if (head == nullptr) return;
  for (auto& layer : head->layers) {
    visit(layer.weight);
    if (layer.bias.defined()) visit(layer.bias);
  }
}

int64_t CountFloats(const Adapter& adapter, const Head* head) {
  int64_t floats = 0;
  ForEachTensor(adapter, head, [&](const at::Tensor& tensor) { floats += PackedFloats(tensor); });
  return floats;
}

}  // namespace

int64_t PackedBytes(const Adapter& adapter, const Head* head) {
  return CountFloats(adapter, head) * static_cast<int64_t>(sizeof(float));
}

void PackWeights(Adapter& adapter, Head* head) {
  const at::Tensor memory = at::empty({CountFloats(adapter, head)}, at::kFloat);
  auto* next = memory.mutable_data_ptr<float>();
  ForEachTensor(adapter, head, [&](at::Tensor& tensor) {
    // Not a view of `memory`: views of one tensor count as one for autograd.
    const at::Tensor packed = at::from_blob(
        next, tensor.sizes(), [memory](void*) {}, at::TensorOptions(at::kFloat));
    packed.copy_(tensor);
    next += PackedFloats(tensor);
    tensor = packed;
  });
}

}  // namespace fathom
