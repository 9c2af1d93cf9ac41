// The Engine over LibTorch: the one place where LibTorch's exceptions are caught.
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "runtime/engine.h"
#include "runtime/model/calibration.h"
#include "runtime/model/encoder.h"
#include "runtime/pass/cost_calibration.h"
#include "runtime/pass_forecast.h"
#include "runtime/pass_runner.h"
#include "runtime/task/task_store.h"
#include "runtime/text/token_ids.h"
#include "runtime/text/tokenizer.h"
#include "runtime/thread_team.h"

namespace fathom {
namespace {

// LibTorch's message without the C++ stack that it carries.
absl::Status InternalError(const std::exception& error) {
  const std::string text = error.what();
  return absl::InternalError(absl::StrCat("LibTorch: ", text.substr(0, text.find('\n'))));
}

// What one thread that runs passes has to itself.
struct Worker {
  Worker(ThreadTeam thread_team, const std::shared_ptr<const Encoder>& encoder, PassCaches& caches,
         CostPredictor* costs)
      : team(std::move(thread_team)), runner(encoder, caches, costs) {}

  ThreadTeam team;
  PassRunner runner;
};

class TorchEngine : public Engine {
 public:
  // What Create loads and measures.
  struct Parts {
    EncoderInfo info;
    CalibrationReport calibration;
    std::optional<CostTable> costs;
    std::shared_ptr<const Encoder> encoder;
    std::unique_ptr<const Tokenizer> tokenizer;
    std::shared_ptr<const WeightCache> weights;  // of tasks
    TaskStore tasks;
    Concurrency concurrency;
    CacheOptions caches;
  };

  explicit TorchEngine(Parts parts)
      : parts_(std::move(parts)), caches_(*parts_.encoder, parts_.caches) {
    if (!parts_.costs) return;
    costs_.emplace(*parts_.costs);
    forecast_.emplace(parts_.encoder->config().layers, caches_, *costs_);
  }

  const EncoderInfo& encoder() const override { return parts_.info; }

  absl::StatusOr<TokenizedText> Tokenize(const TextInput& input,
                                         Truncation truncation) const override {
    if (const auto* ids = std::get_if<RawTokenIds>(&input)) {
      const EncoderConfig& config = parts_.encoder->config();
      return CheckTokenIds(*ids, {.vocab_size = config.vocab_size,
                                  .segment_types = config.segment_types,
                                  .max_tokens = parts_.info.max_tokens});
    }
    return parts_.tokenizer->Encode(std::get<RawText>(input), truncation, parts_.info.max_tokens);
  }

  absl::StatusOr<std::shared_ptr<const ServableTask>> FindTask(std::string_view name,
                                                               int version) const override {
    return parts_.tasks.Find(name, version);
  }

  std::vector<TaskInfo> ListTasks() const override { return parts_.tasks.List(); }

  TaskCounts task_counts() const override { return parts_.tasks.catalog().registry().counts(); }

  absl::StatusOr<TaskInfo> LoadTask(std::string_view name, int version,
                                    const LoadTaskOptions& options) override {
    return WithTasks([&](TaskCatalog& tasks) { return tasks.LoadTask(name, version, options); });
  }

  absl::Status UnloadTask(std::string_view name, int version) override {
    return parts_.tasks.catalog().UnloadTask(name, version);
  }

  absl::Status SetDefaultVersion(std::string_view name, int version) override {
    return parts_.tasks.catalog().SetDefaultVersion(name, version);
  }

  absl::StatusOr<ScanReport> ScanTasks() override {
    return WithTasks([](TaskCatalog& tasks) { return tasks.ScanTasks(); });
  }

  double PredictMs(absl::Span<const PassText> texts, int threads) const override {
    return PredictPass(texts, threads).ms;
  }
  PassPrediction PredictPass(absl::Span<const PassText> texts, int threads) const override {
    if (!forecast_) return {};
    return forecast_->Predict(texts, ThreadsOfPass(threads));
  }

  Concurrency concurrency() const override { return parts_.concurrency; }

  CacheReport cache_report() const override {
    return {.taps = caches_.taps.counts(),
            .answers = caches_.answers.counts(),
            .weights = parts_.weights->counts()};
  }

  const CalibrationReport& calibration() const override { return parts_.calibration; }

  void ClearCaches() override {
    caches_.taps.Clear();
    caches_.answers.Clear();
  }

  absl::StatusOr<PassResult> Run(absl::Span<const PassText> texts,
                                 const RunOptions& options) override {
    try {
      const c10::InferenceMode inference;
      Worker& worker = WorkerOfThisThread();
      worker.team.Use(ThreadsOfPass(options.threads));
      return worker.runner.Run(texts, options.abandoned);
    } catch (const std::exception& error) {
      return InternalError(error);
    }
  }

 private:
  // 0: all.
  int ThreadsOfPass(int asked) const {
    const int all = parts_.concurrency.threads;
    return asked > 0 ? std::min(asked, all) : all;
  }

  // Teams of threads belong to the thread that made them, so each thread keeps its worker. More
  // threads than parts_.concurrency.passes, one after another, are served as well.
  Worker& WorkerOfThisThread() {
    const absl::MutexLock lock(&mutex_);
    std::unique_ptr<Worker>& worker = workers_[std::this_thread::get_id()];
    if (worker == nullptr) {
      const int index = static_cast<int>(workers_.size() - 1) % parts_.concurrency.passes;
      worker = std::make_unique<Worker>(ThreadTeam(index, parts_.concurrency.passes, cores_),
                                        parts_.encoder, caches_, costs_ ? &*costs_ : nullptr);
    }
    return *worker;
  }

  // For what may read weights: on one thread, since passes go on meanwhile.
  template <typename Change>
  auto WithTasks(Change change) -> decltype(change(std::declval<TaskCatalog&>())) {
    try {
      const c10::InferenceMode inference;
      ThreadTeam(0, 1, {}).Use(1);
      return change(parts_.tasks.catalog());
    } catch (const std::exception& error) {
      return InternalError(error);
    }
  }

  Parts parts_;
  PassCaches caches_;
  std::optional<CostPredictor> costs_;
  std::optional<PassForecast> forecast_;  // with costs_

  const std::vector<int> cores_ = AllowedCores();

  absl::Mutex mutex_;
  std::map<std::thread::id, std::unique_ptr<Worker>> workers_ ABSL_GUARDED_BY(mutex_);
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
  const int cores = std::max(1, static_cast<int>(AllowedCores().size()));
  const int threads = options.threads > 0 ? options.threads : cores;
  at::set_num_threads(threads);

  const auto shape = Encoder::LoadConfig(options.encoder_dir);
  if (!shape.ok()) return shape.status();
  const CalibrationOptions measuring{
      .dir = options.calibration_dir, .threads = threads, .precision = options.precision};
  const auto gemms = CalibrateGemms(*shape, measuring);
  if (!gemms.ok()) return gemms.status();
  auto encoder = Encoder::Load(options.encoder_dir, PlainWeights::kDrop, gemms->gemms);
  if (!encoder.ok()) return encoder.status();
  const auto costs = CalibrateCosts(*encoder, gemms->gemms, measuring);
  const EncoderConfig& config = (*encoder)->config();
  auto tokenizer = Tokenizer::FromFolder(options.encoder_dir);
  if (!tokenizer.ok()) return tokenizer.status();
  if ((*tokenizer)->vocab_size() > config.vocab_size) {
    return absl::InvalidArgumentError(absl::StrCat(
        options.encoder_dir, ": the tokenizer has ", (*tokenizer)->vocab_size(),
        " tokens, the encoder's embeddings ", config.vocab_size, "; they do not belong together"));
  }
  const auto weights = std::make_shared<WeightCache>(options.adapter_bytes);
  auto tasks = TaskStore::Load(options.tasks_dir, **encoder, weights);
  if (!tasks.ok()) return tasks.status();

  const std::filesystem::path folder = std::filesystem::absolute(options.encoder_dir);
  EncoderInfo info{
      .name = (folder.has_filename() ? folder : folder.parent_path()).filename().string(),
      .fingerprint = (*encoder)->fingerprint(),
      .layers = config.layers,
      .hidden_size = config.hidden_size,
      .max_tokens = config.max_positions,
      .device = options.device,
      .precision = PrecisionName(gemms->gemms.precision),
  };
  return std::make_unique<TorchEngine>(TorchEngine::Parts{
      .info = std::move(info),
      .calibration = {.gemms = Describe(gemms->gemms),
                      .seconds = gemms->seconds + (costs ? costs->seconds : 0),
                      .from_file = gemms->from_file && costs && costs->from_file},
      .costs = costs ? std::optional(costs->costs) : std::nullopt,
      .encoder = *std::move(encoder),
      .tokenizer = *std::move(tokenizer),
      .weights = weights,
      .tasks = *std::move(tasks),
      .concurrency = {.passes = std::max(1, options.workers), .threads = threads},
      .caches = options.caches});
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
