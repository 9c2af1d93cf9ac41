#include "tests/bench/plain_fusion.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/sum.h>
#include <c10/core/InferenceMode.h>

#include <utility>
#include <vector>

#include "runtime/pass/executor.h"
#include "runtime/pass/ops/activation.h"

namespace fathom::bench {
namespace {

using ops::OpTable;

thread_local const Fusion* running = nullptr;  // operations are plain functions

at::Tensor FusedOutput(const OpTable::AdapterNormCall& call, const at::Tensor& z) {
  const FusionLayer& layer =
      *running->layers[static_cast<size_t>(call.layer)][static_cast<size_t>(call.place)];
  std::vector<at::Tensor> outputs;
  for (const Adapter& member : running->members) {
    if (!member.layout.HasModule(call.layer, call.place)) continue;
    const AdapterModule& module = member.module(call.layer, call.place);
    const AdapterSite& site = *member.layout.site(call.place);
    at::Tensor hidden = at::linear(z, module.down_weight, module.down_bias);
    ops::ActivateInPlace(hidden, site.activation);
    outputs.push_back(at::linear(hidden, module.up_weight, module.up_bias));
  }
  const at::Tensor all = at::stack(outputs, 1);  // [R, K, H]
  const at::Tensor query = at::linear(z, layer.query_weight, layer.query_bias).unsqueeze(2);
  const at::Tensor keys = at::linear(all, layer.key_weight, layer.key_bias);
  const at::Tensor weights = at::softmax(at::matmul(keys, query).squeeze(2), 1).unsqueeze(1);
  const at::Tensor values =
      layer.value_weight.defined() ? at::linear(all, layer.value_weight) : all;
  return at::matmul(weights, values).squeeze(1);
}

void PlainAdapterNorm(const OpTable::AdapterNormCall& call, at::Tensor& out) {
  const OpTable::ResidualNormCall& rows = call.rows;
  const auto normalized = [&](const at::Tensor& sum) {
    return at::layer_norm(sum, {sum.size(1)}, rows.norm.gamma, rows.norm.beta, rows.epsilon);
  };
  for (const EpilogueSegment& segment : rows.segments) {
    const at::Tensor sum = rows.dense.narrow(0, segment.src_first, segment.count) +
                           rows.residual.narrow(0, segment.residual_first, segment.count);
    out.narrow(0, segment.dst_first, segment.count)
        .copy_(normalized(FusedOutput(call, normalized(sum)) + sum));
  }
}

OpTable PlainOps() {
  OpTable table = ops::CpuOps();
  table.adapter_norm = PlainAdapterNorm;
  return table;
}

class PlainFusionRunner : public CaseRunner {
 public:
  PlainFusionRunner(const std::shared_ptr<const Encoder>& encoder, Fusion fusion, Head head)
      : fusion_(std::move(fusion)),
        head_(std::move(head)),
        adapter_{.layout = FusedLayout(fusion_)},
        executor_(encoder, table_) {}

  void Run(absl::Span<const PassText> request) override {
    const c10::InferenceMode inference;
    std::vector<PlanText> plan_texts;
    std::vector<const TokenizedText*> texts;
    for (const PassText& text : request) {
      texts.push_back(text.text);
      plan_texts.push_back({.tokens = static_cast<int32_t>(text.text->ids.size()),
                            .tasks = {{.adapter = 0,
                                       .layout = &adapter_.layout,
                                       .skip_layers = 0,
                                       .reads = Reads::kCls}}});
    }
    plan_ = PlanPass(executor_.encoder().config().layers, plan_texts);
    const Adapter* const adapter = &adapter_;
    running = &fusion_;
    const at::Tensor state = executor_.Run(plan_, texts, {&adapter, 1});
    std::vector<int64_t> rows;
    for (const PlanOutput& output : plan_.outputs) rows.push_back(output.rows.first);
    std::vector<float> logits(rows.size() * head_.labels.size());
    const ops::HeadRows heads{&head_, rows, logits.data()};
    table_.heads({&heads, 1}, executor_.encoder(), state);
  }

  const PassPlan& plan() const override { return plan_; }

 private:
  const Fusion fusion_;
  const Head head_;
  const Adapter adapter_;  // its layout only
  const OpTable table_ = PlainOps();
  Executor executor_;
  PassPlan plan_;
};

}  // namespace

std::shared_ptr<CaseRunner> PlainFusion(const std::shared_ptr<const Encoder>& encoder,
                                        Fusion fusion, Head head) {
  return std::make_shared<PlainFusionRunner>(encoder, std::move(fusion), std::move(head));
}

}  // namespace fathom::bench
