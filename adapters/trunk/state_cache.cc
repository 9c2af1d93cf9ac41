#include "adapters/trunk/state_cache.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <c10/util/BFloat16.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace fathom::training {
namespace {

void Encode(const float* values, int64_t count, TapPrecision precision, std::byte* to) {
  if (precision == TapPrecision::kFp32) {
    std::memcpy(to, values, static_cast<size_t>(count) * sizeof(float));
    return;
  }
  std::transform(values, values + count, reinterpret_cast<uint16_t*>(to),
                 [](float value) { return c10::BFloat16(value).x; });
}

void Decode(const std::byte* from, int64_t count, TapPrecision precision, float* values) {
  if (precision == TapPrecision::kFp32) {
    std::memcpy(values, from, static_cast<size_t>(count) * sizeof(float));
    return;
  }
  const auto* bits = reinterpret_cast<const uint16_t*>(from);
  std::transform(bits, bits + count, values, [](uint16_t value) {
    return std::bit_cast<float>(static_cast<uint32_t>(value) << 16);
  });
}

}  // namespace

StateCache::StateCache(const StateShape& shape, absl::Span<const int32_t> text_tokens,
                       StatePlan plan, StateMemory memory)
    : shape_(shape),
      plan_(std::move(plan)),
      depths_(plan_.Depths()),
      first_row_({0}),
      memory_(std::move(memory)) {
  for (const int32_t tokens : text_tokens) first_row_.push_back(first_row_.back() + tokens);
  TORCH_CHECK(
      static_cast<int64_t>(text_tokens.size()) == shape.texts && first_row_.back() == shape.tokens,
      "these are not the texts of the cache");
  TORCH_CHECK(
      memory_.memory.size() >= plan_.MemoryBytes() && memory_.file.size() >= plan_.FileBytes(),
      "the planes need more memory than there is");
}

void StateCache::Store(absl::Span<const int64_t> texts, const TrunkState& state) {
  const StatePlane* plane = state.at.place == Place::kFfn ? Find(state.at.layer) : nullptr;
  if (plane == nullptr) return;
  TORCH_CHECK(state.cls_only == IsClsOnly(plane->point.form), "not the rows that are kept");
  std::vector<at::Tensor> matrices = {state.dense, state.residual};
  if (!IsPair(plane->point.form)) matrices = {state.dense + state.residual};
  int64_t row = 0;
  for (const int64_t text : texts) {
    const auto [first_row, rows] = RowsOf(*plane, text);
    std::byte* to = Data(*plane) + first_row * RowBytes() * static_cast<int64_t>(matrices.size());
    for (const at::Tensor& matrix : matrices) {
      Encode(matrix.const_data_ptr<float>() + row * shape_.hidden_size, rows * shape_.hidden_size,
             shape_.precision, to);
      to += rows * RowBytes();
    }
    row += rows;
  }
  TORCH_CHECK(row == state.dense.size(0), "the state is of other texts");
}

std::optional<TrunkState> StateCache::Load(absl::Span<const int64_t> texts, Fork fork) const {
  const std::optional<int> layer = StartLayer(depths_, shape_.layers, fork);
  if (!layer) return std::nullopt;
  const StatePlane& plane = *Find(*layer);
  const bool pair = IsPair(plane.point.form);
  std::vector<int64_t> rows_before = {0};  // in the packed state
  for (const int64_t text : texts) {
    rows_before.push_back(rows_before.back() + RowsOf(plane, text).rows);
  }
  TrunkState state{.at = {*layer, Place::kFfn}, .cls_only = IsClsOnly(plane.point.form)};
  const int64_t sizes[] = {rows_before.back(), shape_.hidden_size};
  state.dense = at::empty(sizes, at::kFloat);
  state.residual = pair ? at::empty(sizes, at::kFloat) : at::zeros(sizes, at::kFloat);
  float* matrices[] = {state.dense.mutable_data_ptr<float>(),
                       state.residual.mutable_data_ptr<float>()};
  const int64_t matrix_count = pair ? 2 : 1;
  const auto copy_texts = [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
      const auto [first_row, rows] = RowsOf(plane, texts[i]);
      const std::byte* from = Data(plane) + first_row * RowBytes() * matrix_count;
      for (int64_t matrix = 0; matrix < matrix_count; ++matrix) {
        Decode(from + matrix * rows * RowBytes(), rows * shape_.hidden_size, shape_.precision,
               matrices[matrix] + rows_before[i] * shape_.hidden_size);
      }
    }
  };
  at::parallel_for(0, static_cast<int64_t>(texts.size()), /*grain_size=*/4, copy_texts);
  return state;
}

const StatePlane* StateCache::Find(int layer) const {
  const auto found =
      std::find_if(plan_.planes.begin(), plan_.planes.end(),
                   [&](const StatePlane& plane) { return plane.point.layer == layer; });
  return found == plan_.planes.end() ? nullptr : &*found;
}

std::byte* StateCache::Data(const StatePlane& plane) const {
  std::byte* data = plane.in_file ? memory_.file.data() + kStatePageBytes : memory_.memory.data();
  for (const StatePlane& before : plan_.planes) {
    if (&before == &plane) break;
    if (before.in_file == plane.in_file) data += before.bytes;
  }
  return data;
}

StateCache::Block StateCache::RowsOf(const StatePlane& plane, int64_t text) const {
  if (IsClsOnly(plane.point.form)) return {text, 1};
  const auto index = static_cast<size_t>(text);
  return {first_row_[index], first_row_[index + 1] - first_row_[index]};
}

int64_t StateCache::RowBytes() const {
  const int64_t value = shape_.precision == TapPrecision::kFp32 ? sizeof(float) : sizeof(uint16_t);
  return shape_.hidden_size * value;
}

}  // namespace fathom::training
