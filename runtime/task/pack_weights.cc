#include "runtime/task/pack_weights.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <functional>
#include <unordered_map>
#include <unordered_set>

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

// A tensor that stands in several places counts once.
int64_t CountFloats(const Adapter& adapter, const Head* head) {
  int64_t floats = 0;
  std::unordered_set<const c10::TensorImpl*> counted;
  ForEachTensor(adapter, head, [&](const at::Tensor& tensor) {
    if (counted.insert(tensor.unsafeGetTensorImpl()).second) floats += PackedFloats(tensor);
  });
  return floats;
}

// Of the tensor object, not of its values.
struct ByIdentity {
  size_t operator()(const at::Tensor& tensor) const {
    return std::hash<const void*>()(tensor.unsafeGetTensorImpl());
  }
  bool operator()(const at::Tensor& a, const at::Tensor& b) const { return a.is_same(b); }
};

}  // namespace

int64_t PackedBytes(const Adapter& adapter, const Head* head) {
  return CountFloats(adapter, head) * static_cast<int64_t>(sizeof(float));
}

void PackWeights(Adapter& adapter, Head* head) {
  const at::Tensor memory = at::empty({CountFloats(adapter, head)}, at::kFloat);
  auto* next = memory.mutable_data_ptr<float>();
  std::unordered_map<at::Tensor, at::Tensor, ByIdentity, ByIdentity> copies;
  ForEachTensor(adapter, head, [&](at::Tensor& tensor) {
    if (const auto copy = copies.find(tensor); copy != copies.end()) {
      tensor = copy->second;
      return;
    }
    // Not a view of `memory`: views of one tensor count as one for autograd.
    const at::Tensor packed = at::from_blob(
        next, tensor.sizes(), [memory](void*) {}, at::TensorOptions(at::kFloat));
    packed.copy_(tensor);
    next += PackedFloats(tensor);
    copies.emplace(tensor, packed);
    tensor = packed;
  });
}

}  // namespace fathom
