// fathom-step-bench: the time of one optimizer step of adapter training at given depths, over the
// first texts of a file in the order of the file. One JSON line a depth.
#include <ATen/Parallel.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <chrono>
#include <iostream>
#include <memory>
#include <numeric>
#include <vector>

#include "absl/strings/str_format.h"
#include "adapters/model/adapter_task.h"
#include "adapters/model/architecture.h"
#include "adapters/model/full_task.h"
#include "adapters/train/gradient_step.h"
#include "adapters/train/optimizer.h"
#include "adapters/train_inputs.h"

namespace fathom::training {
namespace {

struct BenchOptions {
  TrainOptions train;
  std::vector<int> depths = {0};
  int steps = 3;  // timed, after one that is not
  double dropout = 0.1;
  bool full = false;
};

double Milliseconds(std::chrono::steady_clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

// Mean over the steps.
double StepTime(GradientStep& step, Optimizer& optimizer, int skip_layers,
                const BenchOptions& options) {
  std::vector<int64_t> texts(static_cast<size_t>(options.train.batch_size));
  double total = 0;
  for (int i = -1; i < options.steps; ++i) {
    std::iota(texts.begin(), texts.end(), int64_t{std::max(i, 0)} * options.train.batch_size);
    const auto start = std::chrono::steady_clock::now();
    step.Run({.texts = texts,
              .step_texts = options.train.batch_size,
              .skipped = {.count = skip_layers},
              .dropout_seed = uint64_t{1}});
    if (!optimizer.Step(1e-4).ok()) std::abort();
    if (i >= 0) total += Milliseconds(std::chrono::steady_clock::now() - start);
  }
  return total / options.steps;
}

std::unique_ptr<const TrainableTask> MakeTask(const BenchOptions& options,
                                              const TrainInputs& inputs) {
  if (options.full) return std::make_unique<FullTask>(*inputs.encoder, inputs.train.labels, 1);
  const EncoderConfig& config = inputs.encoder->config();
  return std::make_unique<AdapterTask>(
      AdapterDesign{.layout = FindArchitecture("pfeiffer", config.layers)->layout,
                    .hidden_size = config.hidden_size,
                    .widths = *BottleneckWidths("16", config),
                    .labels = inputs.train.labels},
      1);
}

int Bench(const BenchOptions& options) {
  if (options.train.threads > 0) at::set_num_threads(options.train.threads);
  const absl::StatusOr<TrainInputs> inputs = LoadInputs(options.train);
  if (!inputs.ok()) {
    std::cerr << inputs.status() << "\n";
    return 1;
  }
  const std::unique_ptr<const TrainableTask> task = MakeTask(options, *inputs);
  const DropoutRates rates{
      .hidden = options.dropout, .attention = options.dropout, .head = options.dropout};
  const TrunkSource trunks(inputs->train);
  GradientStepOptions step_options{.rates = rates, .dropout_places = options.train.dropout_places};
  if (options.full) step_options.max_rows = 2048;
  GradientStep step(inputs->encoder, *task, inputs->train, trunks, step_options);
  Optimizer optimizer(task->named(), {});
  for (const int n : options.depths) {
    std::cout << absl::StrFormat(R"({"n": %d, "step_ms": %.1f})", n,
                                 StepTime(step, optimizer, n, options))
              << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace fathom::training

int main(int argc, char** argv) {
  fathom::training::BenchOptions options;
  CLI::App app("Times training steps.", "fathom-step-bench");
  app.add_option("--encoder", options.train.encoder_dir)->required();
  app.add_option("--train", options.train.train_file)->required();
  app.add_option("--depths", options.depths)->delimiter(',');
  app.add_option("--steps", options.steps)->check(CLI::Range(1, 1000));
  app.add_option("--batch-size", options.train.batch_size);
  app.add_option("--dropout", options.dropout);
  app.add_flag("--full", options.full, "full fine-tuning");
  app.add_flag_callback("--bf16", [&] { options.train.precision = fathom::Precision::kBf16; });
  app.add_flag_callback("--dropout-everywhere", [&] {
    options.train.dropout_places = fathom::training::DropoutPlaces::kEverywhere;
  });
  app.add_option("--threads", options.train.threads);
  CLI11_PARSE(app, argc, argv);
  options.train.dev_file = options.train.train_file;
  return fathom::training::Bench(options);
}
