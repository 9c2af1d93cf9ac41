// fathom-trunk-bench: the time of training steps that compute their trunk, beside steps that start
// from kept states, at every n. Both in turns in one run, so that only their ratio counts.
#include <ATen/Parallel.h>
#include <sys/resource.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <chrono>
#include <iostream>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "adapters/model/adapter_task.h"
#include "adapters/model/architecture.h"
#include "adapters/train/gradient_step.h"
#include "adapters/train_inputs.h"
#include "adapters/trunk/prepare_cache.h"

namespace fathom::training {
namespace {

struct BenchOptions {
  TrainOptions train;
  int kept = 3;  // depths
  int repeats = 2;
  int texts = 0;  // of the file; 0: all
  std::vector<int> depths;
};

double Milliseconds(std::chrono::steady_clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

double PeakMebibytes() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

AdapterTask MakeTask(const TrainInputs& inputs) {
  const EncoderConfig& config = inputs.encoder->config();
  return AdapterTask(
      {.layout = FindArchitecture("pfeiffer", config.layers)->layout,
       .hidden_size = config.hidden_size,
       .widths = std::vector<int>(static_cast<size_t>(config.layers), config.hidden_size / 16),
       .labels = inputs.train.labels},
      1);
}

// Fills a cache of so many depths and says what it cost.
PreparedCache Prepare(const BenchOptions& options, const TrainInputs& inputs,
                      const AdapterLayout& layout) {
  const EncoderConfig& config = inputs.encoder->config();
  StateShape shape{.texts = static_cast<int64_t>(inputs.train.examples.size()),
                   .layers = config.layers,
                   .hidden_size = config.hidden_size,
                   .precision = options.train.state_precision};
  for (const Example& example : inputs.train.examples) {
    shape.tokens += static_cast<int64_t>(example.text.ids.size());
  }
  StateCacheOptions cache{.precision = shape.precision};
  cache.budgets.memory_bytes = MakePlane(shape, {config.layers - 1, TapForm::kClsSum}).bytes +
                               options.kept * MakePlane(shape, {0, TapForm::kSum}).bytes;
  const double peak = PeakMebibytes();
  const StateNeeds needs = FindStateNeeds(layout, {0, config.layers - 1});
  const auto prepared = PrepareCache(inputs.encoder, inputs.train, needs, cache, {}, {});
  if (!prepared.ok() || prepared->cache == nullptr) std::abort();
  const KeptDepths& kept = prepared->cache->depths();
  std::cout << absl::StrFormat(
      "%d texts, %d tokens; kept layers %s; %.1f MiB; filled in %.2f s; peak memory %.0f -> %.0f "
      "MiB; trunk layers left a step %.2f of %.2f\n",
      shape.texts, shape.tokens, absl::StrJoin(kept.layers, ", "),
      static_cast<double>(prepared->cache->plan().MemoryBytes()) / (1 << 20),
      prepared->fill_seconds, peak, PeakMebibytes(),
      MeanTrunkLayersLeft(kept, config.layers, needs.forks), MeanTrunkLayers(needs.forks));
  return *prepared;
}

int Bench(const BenchOptions& options) {
  if (options.train.threads > 0) at::set_num_threads(options.train.threads);
  absl::StatusOr<TrainInputs> inputs = LoadInputs(options.train);
  if (!inputs.ok()) {
    std::cerr << inputs.status() << "\n";
    return 1;
  }
  auto& examples = inputs->train.examples;
  if (options.texts > 0) examples.resize(std::min<size_t>(examples.size(), options.texts));
  const AdapterTask task = MakeTask(*inputs);
  const PreparedCache prepared = Prepare(options, *inputs, task.layout());

  const TrunkSource sources[] = {TrunkSource(inputs->train),
                                 TrunkSource(inputs->train, prepared.cache)};
  const GradientStepOptions step{.rates = {.hidden = 0.1, .attention = 0.1, .head = 0.1}};
  GradientStep steps[] = {{inputs->encoder, task, inputs->train, sources[0], step},
                          {inputs->encoder, task, inputs->train, sources[1], step}};
  std::vector<int64_t> order(examples.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  const auto batch = static_cast<size_t>(options.train.batch_size);
  double totals[] = {0, 0};
  for (const int n : options.depths) {
    double times[] = {0, 0};
    for (int repeat = -1; repeat < options.repeats; ++repeat) {
      const size_t first = static_cast<size_t>(repeat + 1) * batch % (order.size() - batch + 1);
      for (size_t kind = 0; kind < 2; ++kind) {
        const auto start = std::chrono::steady_clock::now();
        steps[kind].Run({.texts = absl::MakeConstSpan(order).subspan(first, batch),
                         .step_texts = options.train.batch_size,
                         .skipped = {.count = n},
                         .dropout_seed = 1});
        if (repeat < 0) continue;  // the first warms up
        times[kind] += Milliseconds(std::chrono::steady_clock::now() - start) / options.repeats;
      }
    }
    for (size_t kind = 0; kind < 2; ++kind) totals[kind] += times[kind];
    std::cout << absl::StrFormat("n = %2d  computed %8.1f ms  kept %8.1f ms  %.2f times faster\n",
                                 n, times[0], times[1], times[0] / times[1]);
  }
  std::cout << absl::StrFormat("sum     computed %8.1f ms  kept %8.1f ms  %.2f times faster\n",
                               totals[0], totals[1], totals[0] / totals[1]);
  return 0;
}

}  // namespace
}  // namespace fathom::training

int main(int argc, char** argv) {
  fathom::training::BenchOptions options;
  CLI::App app("Times training steps with and without kept trunk states.", "fathom-trunk-bench");
  app.add_option("--encoder", options.train.encoder_dir)->required();
  app.add_option("--train", options.train.train_file)->required();
  app.add_option("--kept", options.kept, "depths that are kept")->check(CLI::Range(0, 64));
  app.add_option("--depths", options.depths, "n of the steps")->delimiter(',')->required();
  app.add_option("--repeats", options.repeats)->check(CLI::Range(1, 1000));
  app.add_option("--texts", options.texts, "of the file")->check(CLI::Range(64, 1 << 30));
  app.add_option("--batch-size", options.train.batch_size)->check(CLI::Range(1, 64));
  app.add_flag_callback("--bf16",
                        [&] { options.train.state_precision = fathom::TapPrecision::kBf16; });
  app.add_option("--threads", options.train.threads);
  CLI11_PARSE(app, argc, argv);
  options.train.dev_file = options.train.train_file;
  return fathom::training::Bench(options);
}
