#include "tests/bench/worker_limit.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>
#include <vector>

#include "runtime/model/calibration.h"
#include "runtime/task/loaded_task.h"
#include "tests/bench/gemm_limit.h"

namespace fathom::bench {
namespace {

constexpr std::chrono::seconds kRatesTime(1);
constexpr int kLeastRateRounds = 2;

ModelSizes SizesOf(const EncoderConfig& config, int bottleneck) {
  return {.hidden = config.hidden_size,
          .intermediate = config.intermediate_size,
          .heads = config.heads,
          .bottleneck = bottleneck};
}

// What the planner must know of a job, and the tasks that its layouts belong to.
struct PlannedJob {
  std::map<std::string, std::shared_ptr<const ServableTask>> tasks;
  std::vector<PlanText> texts;
  std::vector<PassText> request;  // the same; its texts are not set
  int bottleneck = 0;             // of the widest adapter
};

absl::StatusOr<PlannedJob> PlanTexts(const Job& job, const Engine& engine) {
  PlannedJob planned;
  std::map<std::string, int32_t> index;
  for (const JobText& job_text : job.texts) {
    PlanText text{.tokens = static_cast<int32_t>(job_text.text.ids.size())};
    PassText pass;
    for (const JobTask& job_task : job_text.tasks) {
      PlanTask task{.adapter = PlanTask::kNoAdapter,
                    .skip_layers = job_task.skip_layers,
                    .reads = Reads::kCls};
      if (!job_task.name.empty()) {
        auto found = engine.FindTask(job_task.name, 0);
        if (!found.ok()) return found.status();
        const auto& loaded = static_cast<const LoadedTask&>(**found);
        task.adapter =
            index.emplace(job_task.name, static_cast<int32_t>(index.size())).first->second;
        task.layout = &loaded.layout();
        planned.bottleneck = std::max(planned.bottleneck, loaded.widest_bottleneck());
        pass.tasks.push_back({.task = &loaded});
        planned.tasks.emplace(job_task.name, *std::move(found));
      }
      text.tasks.push_back(task);
    }
    planned.texts.push_back(std::move(text));
    planned.request.push_back(std::move(pass));
  }
  return planned;
}

}  // namespace

JobLimit::JobLimit(std::string encoder_dir, const Engine& engine)
    : encoder_dir_(std::move(encoder_dir)), engine_(engine) {}

absl::Status JobLimit::Prepare() {
  if (rates_.has_value()) return absl::OkStatus();
  const auto config = Encoder::LoadConfig(encoder_dir_);
  if (!config.ok()) return config.status();
  // With the forms that the engine chose, so that the limit is not below what it can do.
  const auto gemms = CalibrateGemms(*config, {.threads = engine_.concurrency().threads});
  if (!gemms.ok()) return gemms.status();
  auto encoder = Encoder::Load(encoder_dir_, PlainWeights::kKeep, gemms->gemms);
  if (!encoder.ok()) return encoder.status();
  encoder_ = *std::move(encoder);
  rates_.emplace(*encoder_, SizesOf(encoder_->config(), 0));
  return MeasureRates();
}

absl::Status JobLimit::MeasureRates() {
  if (!rates_.has_value()) return Prepare();
  const auto end = std::chrono::steady_clock::now() + kRatesTime;
  for (int round = 0; round < kLeastRateRounds || std::chrono::steady_clock::now() < end; ++round) {
    rates_->Round();
  }
  return absl::OkStatus();
}

absl::StatusOr<double> JobLimit::Ms(const Job& job) {
  if (absl::Status status = Prepare(); !status.ok()) return status;
  const auto planned = PlanTexts(job, engine_);
  if (!planned.ok()) return planned.status();
  const EncoderConfig& config = encoder_->config();
  const PassPlan plan = PlanPass(config.layers, planned->texts);
  const ModelSizes sizes = SizesOf(config, planned->bottleneck);
  std::vector<RowsWork> work = CountWork(plan, sizes);
  const std::vector<RowsWork> heads = CountHeads(planned->request, sizes);
  work.insert(work.end(), heads.begin(), heads.end());
  return LimitMs(work, rates_->Curve());
}

}  // namespace fathom::bench
