// The Engine over LibTorch: the one place where LibTorch's exceptions are caught.
#include <ATen/Parallel.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/tensor.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/engine.h"
#include "runtime/model/calibration.h"
#include "runtime/model/encoder.h"
#include "runtime/pass/executor.h"
#include "runtime/pass/ops/apply_head.h"
#include "runtime/task/task_store.h"
#include "runtime/text/token_ids.h"
#include "runtime/text/tokenizer.h"

namespace fathom {
namespace {

// LibTorch's message without the C++ stack that it carries.
absl::Status InternalError(const std::exception& error) {
  const std::string text = error.what();
  return absl::InternalError(absl::StrCat("LibTorch: ", text.substr(0, text.find('\n'))));
}

class TorchEngine : public Engine {
 public:
  TorchEngine(EncoderInfo info, std::shared_ptr<const Encoder> encoder,
              std::unique_ptr<const Tokenizer> tokenizer, TaskStore tasks, int threads)
      : info_(std::move(info)),
        encoder_(std::move(encoder)),
        tokenizer_(std::move(tokenizer)),
        tasks_(std::move(tasks)),
        threads_(threads),
        executor_(encoder_) {}

  const EncoderInfo& encoder() const override { return info_; }

  absl::StatusOr<TokenizedText> Tokenize(const TextInput& input,
                                         Truncation truncation) const override {
    if (const auto* ids = std::get_if<RawTokenIds>(&input)) {
      const EncoderConfig& config = encoder_->config();
      return CheckTokenIds(*ids, {.vocab_size = config.vocab_size,
                                  .segment_types = config.segment_types,
                                  .max_tokens = info_.max_tokens});
    }
    return tokenizer_->Encode(std::get<RawText>(input), truncation, info_.max_tokens);
  }

  absl::StatusOr<std::shared_ptr<const ServableTask>> FindTask(std::string_view name,
                                                               int version) const override {
    return tasks_.Find(name, version);
  }

  std::vector<TaskInfo> ListTasks() const override { return tasks_.List(); }

  Concurrency concurrency() const override { return {.passes = 1, .threads = threads_}; }
  CacheReport cache_report() const override { return {}; }
  void ClearCaches() override {}

  absl::StatusOr<PassResult> Run(absl::Span<const PassText> texts,
                                 const RunOptions& /*options*/) override {
    try {
      return RunPass(texts);
    } catch (const std::exception& error) {
      return InternalError(error);
    }
  }

 private:
  // The (text, task) pairs that one head answers in one go.
  struct HeadGroup {
    const LoadedTask* task = nullptr;  // null: the raw encoder
    std::vector<int64_t> cls_rows;     // rows of the last state
    std::vector<TaskOutput*> outputs;
  };

  PassResult RunPass(absl::Span<const PassText> texts) {
    UseThreads();
    const c10::InferenceMode inference;
    std::vector<const LoadedTask*> tasks;  // by adapter index of the plan
    const PassPlan plan = Plan(texts, tasks);

    std::vector<const TokenizedText*> tokens;
    for (const PassText& text : texts) tokens.push_back(text.text);
    std::vector<const Adapter*> adapters;
    for (const LoadedTask* task : tasks) adapters.push_back(&task->adapter());
    const at::Tensor state = executor_.Run(plan, tokens, adapters);

    PassResult result{.work = plan.work, .rows = plan.max_rows};
    for (const PassText& text : texts) result.outputs.emplace_back(text.tasks.size());
    for (const HeadGroup& group : GroupByHead(texts, plan, result)) Answer(group, state);
    return result;
  }

  // A worker's first pass sets up its OpenMP threads; LibTorch keeps that by thread.
  void UseThreads() const {
    thread_local int threads = 0;
    if (threads == threads_) return;
    at::init_num_threads();
    at::set_num_threads(threads_);
    threads = threads_;
  }

  PassPlan Plan(absl::Span<const PassText> texts, std::vector<const LoadedTask*>& tasks) const {
    std::map<const LoadedTask*, int32_t> index;
    std::vector<PlanText> plan_texts;
    for (const PassText& text : texts) {
      PlanText plan_text{.tokens = static_cast<int32_t>(text.text->ids.size())};
      for (const PassTask& pass_task : text.tasks) {
        const auto* task = static_cast<const LoadedTask*>(pass_task.task);
        PlanTask plan_task{.adapter = PlanTask::kNoAdapter,
                           .skip_layers = pass_task.skip_layers,
                           .reads = Reads::kCls};  // as all heads that Fathom loads
        if (task != nullptr) {
          const auto [found, added] = index.emplace(task, static_cast<int32_t>(tasks.size()));
          if (added) tasks.push_back(task);
          plan_task.adapter = found->second;
          plan_task.layout = &task->adapter().layout;
        }
        plan_text.tasks.push_back(plan_task);
      }
      plan_texts.push_back(std::move(plan_text));
    }
    return PlanPass(info_.layers, plan_texts);
  }

  static std::vector<HeadGroup> GroupByHead(absl::Span<const PassText> texts, const PassPlan& plan,
                                            PassResult& result) {
    std::map<const ServableTask*, HeadGroup> groups;
    for (const PlanOutput& output : plan.outputs) {
      const auto text = static_cast<size_t>(output.text);
      const auto task = static_cast<size_t>(output.task);
      const ServableTask* servable = texts[text].tasks[task].task;
      HeadGroup& group = groups[servable];
      group.task = static_cast<const LoadedTask*>(servable);
      group.cls_rows.push_back(output.rows.first);
      group.outputs.push_back(&result.outputs[text][task]);
    }
    std::vector<HeadGroup> list;
    for (auto& [task, group] : groups) list.push_back(std::move(group));
    return list;
  }

  void Answer(const HeadGroup& group, const at::Tensor& state) const {
    const at::Tensor cls =
        at::index_select(state, 0, at::tensor(group.cls_rows).to(state.device()));
    const at::Tensor logits =
        (group.task == nullptr ? cls : ops::ApplyHead(group.task->head(), *encoder_, cls))
            .cpu()
            .contiguous();
    const float* values = logits.const_data_ptr<float>();
    for (TaskOutput* output : group.outputs) {
      output->logits.assign(values, values + logits.size(1));
      values += logits.size(1);
      if (!std::all_of(output->logits.begin(), output->logits.end(),
                       [](float value) { return std::isfinite(value); })) {
        output->status = absl::InternalError(absl::StrCat(
            group.task == nullptr ? "the encoder" : "task \"" + group.task->info().name + "\"",
            " gave a result that is not a finite number; its weights are damaged"));
      }
    }
  }

  const EncoderInfo info_;
  const std::shared_ptr<const Encoder> encoder_;
  const std::unique_ptr<const Tokenizer> tokenizer_;
  const TaskStore tasks_;
  const int threads_;
  Executor executor_;
};

absl::Status CheckDevice(const std::string& device) {
  if (device == "cpu") return absl::OkStatus();
  if (device == "cuda") {
    return absl::UnimplementedError(
        "device cuda: this build of Fathom has no CUDA kernels; use --device cpu");
  }
  return absl::InvalidArgumentError(
      absl::StrCat("unknown device \"", device, "\"; known: cpu, cuda"));
}

absl::StatusOr<std::unique_ptr<Engine>> Create(const EngineOptions& options) {
  if (absl::Status status = CheckDevice(options.device); !status.ok()) return status;
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  const int threads = options.threads > 0 ? options.threads : cores;
  at::set_num_threads(threads);

  const auto shape = Encoder::LoadConfig(options.encoder_dir);
  if (!shape.ok()) return shape.status();
  const auto calibration = CalibrateGemms(
      *shape, {.dir = options.calibration_dir, .threads = threads, .precision = options.precision});
  if (!calibration.ok()) return calibration.status();
  auto encoder = Encoder::Load(options.encoder_dir, PlainWeights::kDrop, calibration->gemms);
  if (!encoder.ok()) return encoder.status();
  const EncoderConfig& config = (*encoder)->config();
  auto tokenizer = Tokenizer::FromFolder(options.encoder_dir);
  if (!tokenizer.ok()) return tokenizer.status();
  if ((*tokenizer)->vocab_size() > config.vocab_size) {
    return absl::InvalidArgumentError(absl::StrCat(
        options.encoder_dir, ": the tokenizer has ", (*tokenizer)->vocab_size(),
        " tokens, the encoder's embeddings ", config.vocab_size, "; they do not belong together"));
  }
  auto tasks = TaskStore::Load(options.tasks_dir, **encoder);
  if (!tasks.ok()) return tasks.status();

  const std::filesystem::path folder = std::filesystem::absolute(options.encoder_dir);
  EncoderInfo info{
      .name = (folder.has_filename() ? folder : folder.parent_path()).filename().string(),
      .fingerprint = (*encoder)->fingerprint(),
      .layers = config.layers,
      .hidden_size = config.hidden_size,
      .max_tokens = config.max_positions,
      .device = options.device,
      .precision = PrecisionName(calibration->gemms.precision),
  };
  return std::make_unique<TorchEngine>(std::move(info), *std::move(encoder), *std::move(tokenizer),
                                       *std::move(tasks), threads);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> CreateEngine(const EngineOptions& options) {
  try {
    return Create(options);
  } catch (const std::exception& error) {
    return InternalError(error);
  }
}

}  // namespace fathom
