#include "runtime/pass/pass_answers.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "absl/strings/str_cat.h"
#include "runtime/pass/ops/cpu_ops.h"
#include "runtime/pass/pass_task.h"

namespace fathom {
namespace {

size_t Classes(const Head& head) { return static_cast<size_t>(head.layers.back().weight.size(0)); }

// How many rows of the state its head reads.
int32_t RowsForHead(const PassAnswers::Item& item) {
  return ReadsOf(item.task) == Reads::kAllRows ? item.rows.count : 1;
}

void CheckFinite(const PassTask& task, TaskOutput& output) {
  const bool finite = std::all_of(output.logits.begin(), output.logits.end(),
                                  [](float value) { return std::isfinite(value); });
  if (finite) return;
  output.status = absl::InternalError(
      absl::StrCat(task.task == nullptr ? "the encoder" : "task \"" + task.task->info().name + "\"",
                   " gave a result that is not a finite number; its weights are damaged"));
}

// [H], of the rows' mean. Sums are of double precision: a text may have thousands of rows.
void Mean(const at::Tensor& state, const Rows& rows, std::vector<float>& out) {
  const auto width = static_cast<size_t>(state.size(1));
  std::vector<double> sums(width, 0.0);
  const float* row = state.const_data_ptr<float>() + static_cast<size_t>(rows.first) * width;
  for (int32_t r = 0; r < rows.count; ++r, row += width) {
    for (size_t i = 0; i < width; ++i) sums[i] += row[i];
  }
  out.resize(width);
  for (size_t i = 0; i < width; ++i) out[i] = static_cast<float>(sums[i] / rows.count);
}

void CopyRow(const at::Tensor& state, int32_t row, std::vector<float>& out) {
  const int64_t width = state.size(1);
  const float* from = state.const_data_ptr<float>() + row * width;
  out.assign(from, from + width);
}

}  // namespace

void PassAnswers::Answer(absl::Span<const Item> items, const Encoder& encoder,
                         const at::Tensor& state) {
  by_task_.clear();
  for (size_t i = 0; i < items.size(); ++i) {
    std::vector<float>& out = items[i].output->logits;
    switch (OutputOf(items[i].task)) {
      case PassOutput::kHead:
        by_task_.push_back(i);
        break;
      case PassOutput::kClsState:
        CopyRow(state, items[i].rows.first, out);
        break;
      case PassOutput::kMeanState:
        Mean(state, items[i].rows, out);
        break;
    }
  }
  RunHeads(items, encoder, state);
  for (const Item& item : items) CheckFinite(item.task, *item.output);
}

void PassAnswers::RunHeads(absl::Span<const Item> items, const Encoder& encoder,
                           const at::Tensor& state) {
  std::sort(by_task_.begin(), by_task_.end(), [&](size_t a, size_t b) {
    if (items[a].head != items[b].head) return std::less<>()(items[a].head, items[b].head);
    return a < b;
  });
  head_rows_.clear();
  size_t numbers = 0;
  for (const size_t i : by_task_) {
    const int32_t count = RowsForHead(items[i]);
    for (int32_t row = 0; row < count; ++row) head_rows_.push_back(items[i].rows.first + row);
    numbers += static_cast<size_t>(count) * Classes(*items[i].head);
  }
  logits_.resize(numbers);
  heads_.clear();
  float* logits = logits_.data();
  size_t first_row = 0;
  for (size_t first = 0; first < by_task_.size();) {
    const Head* head = items[by_task_[first]].head;
    size_t rows = 0;
    for (; first < by_task_.size() && items[by_task_[first]].head == head; ++first) {
      rows += static_cast<size_t>(RowsForHead(items[by_task_[first]]));
    }
    heads_.push_back({head, absl::MakeConstSpan(head_rows_).subspan(first_row, rows), logits});
    first_row += rows;
    logits += rows * Classes(*head);
  }
  ops::CpuOps().heads(heads_, encoder, state);

  const float* values = logits_.data();
  for (const size_t i : by_task_) {
    const size_t size = static_cast<size_t>(RowsForHead(items[i])) * Classes(*items[i].head);
    items[i].output->logits.assign(values, values + size);
    values += size;
  }
}

}  // namespace fathom
