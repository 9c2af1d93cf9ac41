// T tasks on one text at several skip depths: what sharing the trunk buys. Depths are timed in
// turn, round after round, so that a machine that drifts slows all of them; ratios are of medians.
//
//   fanout_bench --encoder DIR [--tasks 8] [--tokens 32] [--threads 2] [--rounds 30]
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "runtime/pass/executor.h"
#include "tests/support/random_model.h"

namespace fathom {
namespace {

struct Options {
  std::string encoder_dir;
  int tasks = 8;
  int tokens = 32;
  int bottleneck = 48;
  int threads = 2;
  int rounds = 30;
};

std::string CpuModel() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown CPU";
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

// One depth: its plan and its times.
struct Depth {
  int skip_layers = 0;
  PassPlan plan;
  std::vector<double> ms;
};

class Fanout {
 public:
  Fanout(const Options& options, std::shared_ptr<const Encoder> encoder)
      : options_(options), executor_(encoder), layers_(encoder->config().layers) {
    std::mt19937 random(1);
    text_ = RandomText(encoder->config(), options.tokens, random);
    for (int task = 0; task < options.tasks; ++task) {
      adapters_.push_back(RandomAdapter(PfeifferLayout(layers_), encoder->config().hidden_size,
                                        options.bottleneck, 10 + static_cast<uint64_t>(task)));
    }
    for (const Adapter& adapter : adapters_) pointers_.push_back(&adapter);
    for (int n = 0; n < layers_; ++n) depths_.push_back(Plan(n));
  }

  void Run() {
    for (int round = -2; round < options_.rounds; ++round) {  // two rounds to warm up
      for (Depth& depth : depths_) {
        const auto start = std::chrono::steady_clock::now();
        const c10::InferenceMode inference;
        executor_.Run(depth.plan, {&text_}, pointers_);
        const std::chrono::duration<double, std::milli> took =
            std::chrono::steady_clock::now() - start;
        if (round >= 0) depth.ms.push_back(took.count());
      }
    }
  }

  void Print() const {
    std::printf("%s, ATen %s, %d threads; %d Pfeiffer tasks on one text of %d tokens, %d rounds\n",
                CpuModel().c_str(), at::get_cpu_capability().c_str(), options_.threads,
                options_.tasks, options_.tokens, options_.rounds);
    std::printf("%4s %10s %14s %14s %14s\n", "n", "median ms", "time / n = 0", "work / n = 0",
                "row-layers");
    const double first_ms = Median(depths_[0].ms);
    const double first_work = depths_[0].plan.work[0].row_layers_run;
    for (const Depth& depth : depths_) {
      const double ms = Median(depth.ms);
      const double work = depth.plan.work[0].row_layers_run;
      std::printf("%4d %10.2f %8s%.3f %8s%.3f %14.1f\n", depth.skip_layers, ms, "1/", first_ms / ms,
                  "1/", first_work / work, work);
    }
  }

 private:
  Depth Plan(int skip_layers) const {
    PlanText text{.tokens = options_.tokens};
    for (size_t i = 0; i < adapters_.size(); ++i) {
      text.tasks.push_back({.adapter = static_cast<int32_t>(i),
                            .layout = &adapters_[i].layout,
                            .skip_layers = skip_layers,
                            .reads = Reads::kCls});
    }
    return {.skip_layers = skip_layers, .plan = PlanPass(layers_, {&text, 1})};
  }

  const Options options_;
  Executor executor_;
  const int layers_;
  TokenizedText text_;
  std::vector<Adapter> adapters_;
  std::vector<const Adapter*> pointers_;
  std::vector<Depth> depths_;
};

int Main(int argc, char** argv) {
  Options options;
  CLI::App app("Time of T tasks on one text at every skip depth.");
  app.add_option("--encoder", options.encoder_dir, "A Hugging Face folder")->required();
  app.add_option("--tasks", options.tasks, "Tasks on the text")->check(CLI::PositiveNumber);
  app.add_option("--tokens", options.tokens, "Tokens of the text")->check(CLI::PositiveNumber);
  app.add_option("--threads", options.threads, "Threads of a pass")->check(CLI::PositiveNumber);
  app.add_option("--rounds", options.rounds, "Timed rounds")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  at::set_num_threads(options.threads);

  auto encoder = Encoder::Load(options.encoder_dir, PlainWeights::kDrop);
  if (!encoder.ok()) {
    std::fprintf(stderr, "%s\n", encoder.status().ToString().c_str());
    return 1;
  }
  Fanout fanout(options, *encoder);
  fanout.Run();
  fanout.Print();
  return 0;
}

}  // namespace
}  // namespace fathom

int main(int argc, char** argv) { return fathom::Main(argc, argv); }
