// OpTimer: times of single operations of a pass over buffers of its own.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/model/encoder.h"
#include "runtime/pass/ops/op_table.h"
#include "runtime/pass/plan.h"
#include "runtime/task/adapter.h"
#include "runtime/text/text.h"

namespace fathom {

// Random-free stand-ins for what a task brings: times do not depend on values.
struct StandInTask {
  Adapter adapter;  // one module a layer, at the FFN, kBottleneck wide
  Head head;        // two layers
};
inline constexpr int kStandInWidth = 48;  // D
std::vector<StandInTask> MakeStandInTasks(const EncoderConfig& config, int count);
TokenizedText MakeStandInText(int tokens);

// Samples by the name of an operation and its size. One thread.
class OpTimer {
 public:
  static constexpr int64_t kMaxRows = 512;
  static constexpr int kTasks = 8;

  explicit OpTimer(std::shared_ptr<const Encoder> encoder);

  // Times the GEMMs and the plain epilogue of a layer at `rows` <= kMaxRows.
  void TimeLayer(int layer, int64_t rows);
  // Times what is not a GEMM: attention, adapters of `layer`, [CLS] attention, heads, embedding.
  void TimeOthers(int layer);

  // The lower quartile of the samples: other programs only ever slow, but a best case is not what
  // a pass meets. REQUIRES: sampled.
  double Ms(const std::string& name, int64_t size) const;

 private:
  template <typename Work>
  void Sample(const std::string& name, int64_t size, const Work& work);

  void TimeAttention(int64_t blocks, int64_t tokens);
  void TimeClsAttention(int64_t blocks, int64_t tokens);
  void TimeAdapters(int layer, int adapters);
  void TimeEmbedding(int tokens);

  ops::OpTable::ResidualNormCall NormCall(const LayerNormWeights& norm,
                                          absl::Span<const EpilogueSegment> segments) const;

  const std::shared_ptr<const Encoder> encoder_;
  const ops::OpTable& table_;
  const std::vector<StandInTask> tasks_;
  std::vector<const Adapter*> adapters_;
  at::Tensor state_;      // [kMaxRows, H]
  at::Tensor dense_;      // the same
  at::Tensor context_;    // the same
  at::Tensor projected_;  // [kMaxRows, 3H]
  std::map<std::pair<std::string, int64_t>, std::vector<double>> samples_;
};

}  // namespace fathom
