#include "adapters/measure/depth_timer.h"

#include <c10/core/InferenceMode.h>

#include <chrono>
#include <utility>

#include "adapters/measure/paired_bootstrap.h"
#include "runtime/pass/executor.h"
#include "runtime/pass/plan.h"
#include "runtime/task/pack_weights.h"

namespace fathom::training {
namespace {

constexpr int kManyTasks = 8;

struct Copy {
  Adapter adapter;
  Head head;
};

class PassTimer {
 public:
  PassTimer(std::shared_ptr<const Encoder> encoder, const FrozenTask& task,
            const TokenizedText& text)
      : encoder_(std::move(encoder)),
        text_(text),
        planner_(encoder_->config().layers),
        executor_(encoder_),
        classes_(static_cast<size_t>(task.head.layers.back().weight.size(0))),
        logits_(kManyTasks * classes_) {
    for (int i = 0; i < kManyTasks; ++i) {
      Copy copy{task.adapter, task.head};
      PackWeights(copy.adapter, &copy.head);
      copies_.push_back(std::move(copy));
    }
    for (const Copy& copy : copies_) adapters_.push_back(&copy.adapter);
  }

  // Milliseconds of one pass.
  double Run(int skip_layers, int tasks) {
    const auto start = std::chrono::steady_clock::now();
    PlanText text{.tokens = static_cast<int32_t>(text_.ids.size())};
    for (int task = 0; task < tasks; ++task) {
      text.tasks.push_back({.adapter = task,
                            .layout = &adapters_[static_cast<size_t>(task)]->layout,
                            .skip_layers = skip_layers,
                            .reads = Reads::kCls});
    }
    const PassPlan& plan = planner_.Plan({&text, 1});
    const TokenizedText* texts[] = {&text_};
    const at::Tensor state = executor_.Run(plan, texts, adapters_);
    std::vector<int64_t> rows;
    for (const PlanOutput& output : plan.outputs) rows.push_back(output.rows.first);
    std::vector<ops::HeadRows> heads;
    for (size_t task = 0; task < rows.size(); ++task) {
      heads.push_back({&copies_[task].head, absl::MakeConstSpan(rows).subspan(task, 1),
                       logits_.data() + task * classes_});
    }
    ops::CpuOps().heads(heads, *encoder_, state);
    const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
    return time.count();
  }

 private:
  const std::shared_ptr<const Encoder> encoder_;
  const TokenizedText& text_;
  Planner planner_;
  Executor executor_;
  std::vector<Copy> copies_;
  std::vector<const Adapter*> adapters_;
  const size_t classes_;       // C
  std::vector<float> logits_;  // [kManyTasks, C]
};

}  // namespace

std::vector<DepthTime> TimeDepths(std::shared_ptr<const Encoder> encoder, const FrozenTask& task,
                                  const TokenizedText& text, int rounds) {
  const c10::InferenceMode inference;
  const auto depths = static_cast<size_t>(encoder->config().layers) + 1;
  PassTimer timer(std::move(encoder), task, text);
  std::vector<std::vector<double>> one(depths);
  std::vector<std::vector<double>> many(depths);
  timer.Run(0, kManyTasks);  // the largest: buffers have grown when the rounds begin
  for (int round = 0; round < rounds; ++round) {
    for (size_t n = 0; n < depths; ++n) {
      one[n].push_back(timer.Run(static_cast<int>(n), 1));
      many[n].push_back(timer.Run(static_cast<int>(n), kManyTasks));
    }
  }
  std::vector<DepthTime> times;
  for (size_t n = 0; n < depths; ++n) {
    times.push_back({Quantile(one[n], 0.5), Quantile(many[n], 0.5)});
  }
  return times;
}

}  // namespace fathom::training
