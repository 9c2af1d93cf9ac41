#include "tests/bench/workloads.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <iterator>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/bench/draws.h"
#include "tests/bench/measure.h"
#include "tests/support/random_model.h"

namespace fathom::bench {
namespace {

constexpr int kWarmUpRounds = 2;
constexpr int kDrawnPasses = 64;     // of a case whose passes differ
constexpr int kRepeatedTexts = 300;  // that repeat draws from
constexpr int kHotTasks = 100;
constexpr int kPassesWithOneStore = 10;  // so that one task alone stays in the CPU's caches

class Builder {
 public:
  Builder(const WorkloadInputs& inputs, AdapterPool& pool)
      : inputs_(inputs), options_(inputs.options), config_(inputs.config), pool_(pool) {}

  Workload Lone() {
    pool_.Grow(1);
    for (const int tokens : {16, 32, 128}) {
      if (tokens > config_.max_positions) continue;
      const TokenizedText& text = AddText(tokens);
      const size_t baseline = workload_.cases.size();
      for (const int n : {0, config_.layers - 1}) {
        AddCase({.name = absl::StrCat(tokens, " tokens, n = ", n),
                 .parameters = {{"tokens", tokens}, {"tasks", 1}, {"skip_layers", n}},
                 .baseline = baseline,
                 .passes = {OneText(text, FirstTasks(1, n))}});
      }
    }
    return std::move(workload_);
  }

  Workload Fanout() {
    pool_.Grow(options_.tasks);
    const TokenizedText& text = AddText(options_.tokens);
    for (int n = 0; n < config_.layers; ++n) {
      AddCase({.name = absl::StrCat("n = ", n),
               .parameters = {{"tokens", options_.tokens},
                              {"tasks", options_.tasks},
                              {"skip_layers", n}},
               .passes = {OneText(text, FirstTasks(options_.tasks, n))}});
    }
    return std::move(workload_);
  }

  Workload Mixed() {
    pool_.Grow(options_.tasks);
    std::uniform_int_distribution<int> task(0, options_.tasks - 1);
    std::uniform_int_distribution<int> depth(0, config_.layers - 1);
    std::vector<PlanText> plan_texts;
    Pass pass;
    int64_t tokens = 0;
    const LengthRange range{.shortest = 4, .longest = std::min(66, config_.max_positions)};
    for (const int length : SentenceLengths(options_.texts, range, random_)) {
      pass.texts.push_back(&AddText(length));
      plan_texts.push_back({.tokens = length, .tasks = {Task(task(random_), depth(random_))}});
      tokens += length;
    }
    pass.plan = PlanPass(config_.layers, plan_texts);
    Case one{.name = absl::StrCat(options_.texts, " texts"),
             .parameters = {{"texts", options_.texts},
                            {"tokens_in_all", tokens},
                            {"tasks", options_.tasks},
                            {"skip_layers", "random"}}};
    one.passes.push_back(std::move(pass));
    AddCase(std::move(one));
    return std::move(workload_);
  }

  Workload Repeat() {
    pool_.Grow(options_.tasks);
    for (int i = 0; i < kRepeatedTexts; ++i) AddText(options_.tokens);
    const int n = config_.layers - 1;
    std::vector<int> draws = ZipfDraws(kDrawnPasses, kRepeatedTexts, random_);
    Case one{.name = absl::StrCat(kRepeatedTexts, " texts, n = ", n)};
    for (const int draw : draws) {
      one.passes.push_back(
          OneText(workload_.texts[static_cast<size_t>(draw)], FirstTasks(options_.tasks, n)));
    }
    draws.resize(std::min(draws.size(), static_cast<size_t>(options_.rounds)));  // the timed ones
    const double repeated = RepeatedShare(draws);
    one.parameters = {{"texts", kRepeatedTexts},   {"zipf_exponent", 1},
                      {"tokens", options_.tokens}, {"tasks", options_.tasks},
                      {"skip_layers", n},          {"repeated_share", repeated}};
    AddCase(std::move(one));
    workload_.note = absl::StrCat(
        "No state outlives a pass: a text seen before costs the same again, row-layers cached: 0. "
        "Share of the first ",
        draws.size(), " texts seen before: ", repeated, ".");
    return std::move(workload_);
  }

  Workload Adapters() {
    const TokenizedText& text = AddText(options_.tokens);
    for (const int registered : {1, 100, 1'000, 10'000}) {
      if (registered > options_.registered) break;
      AddCase(RegisteredCase(text, registered));
    }
    return std::move(workload_);
  }

 private:
  Case RegisteredCase(const TokenizedText& text, int registered) {
    const int hot = std::min(registered, kHotTasks);
    Case one{.name = absl::StrCat(registered, " registered, ", hot, " hot"),
             .parameters = {{"registered", registered},
                            {"hot", hot},
                            {"tokens", options_.tokens},
                            {"skip_layers", 0}},
             .passes_a_round = kPassesWithOneStore,
             .registered = std::make_shared<RegisteredTasks>(
                 inputs_.encoder,
                 RegisteredOptions{
                     .registered = registered, .hot = hot, .bottleneck = options_.bottleneck})};
    const RegisteredTasks& tasks = *one.registered;
    std::uniform_int_distribution<size_t> draw(0, static_cast<size_t>(hot) - 1);
    for (int i = 0; i < options_.rounds * kPassesWithOneStore; ++i) {
      const LoadedTask* task = tasks.hot()[draw(random_)].get();
      Pass pass = OneText(text, {{.adapter = 0, .layout = &task->layout(), .reads = Reads::kCls}});
      pass.request = {{.text = &text, .tasks = {{.task = task}}}};
      one.passes.push_back(std::move(pass));
    }
    absl::StrAppend(&workload_.note, registered, " folders opened in ",
                    absl::StrFormat("%.2f s, %.1f MiB. ", tasks.open_seconds(),
                                    static_cast<double>(tasks.open_bytes()) / (1 << 20)));
    return one;
  }

  const TokenizedText& AddText(int tokens) {
    workload_.texts.push_back(RandomText(config_, tokens, random_));
    return workload_.texts.back();
  }

  PlanTask Task(int adapter, int skip_layers) const {
    return {.adapter = adapter,
            .layout = &pool_.adapters()[static_cast<size_t>(adapter)]->layout,
            .skip_layers = skip_layers,
            .reads = Reads::kCls};
  }

  std::vector<PlanTask> FirstTasks(int count, int skip_layers) const {
    std::vector<PlanTask> tasks;
    for (int i = 0; i < count; ++i) tasks.push_back(Task(i, skip_layers));
    return tasks;
  }

  Pass OneText(const TokenizedText& text, std::vector<PlanTask> tasks) const {
    const PlanText plan_text{.tokens = static_cast<int32_t>(text.ids.size()),
                             .tasks = std::move(tasks)};
    return {.plan = PlanPass(config_.layers, {&plan_text, 1}), .texts = {&text}};
  }

  void AddCase(Case one) { workload_.cases.push_back(std::move(one)); }

  const WorkloadInputs& inputs_;
  const Options& options_;
  const EncoderConfig& config_;
  AdapterPool& pool_;
  std::mt19937 random_{1};
  Workload workload_;
};

struct NamedWorkload {
  const char* name;
  Workload (Builder::*make)();
};

constexpr NamedWorkload kWorkloads[] = {{"lone", &Builder::Lone},
                                        {"fanout", &Builder::Fanout},
                                        {"mixed", &Builder::Mixed},
                                        {"repeat", &Builder::Repeat},
                                        {"adapters", &Builder::Adapters}};

}  // namespace

AdapterPool::AdapterPool(const EncoderConfig& config, int bottleneck)
    : config_(config), bottleneck_(bottleneck) {}

void AdapterPool::Grow(int count) {
  while (pointers_.size() < static_cast<size_t>(count)) {
    adapters_.push_back(RandomAdapter(PfeifferLayout(config_.layers), config_.hidden_size,
                                      bottleneck_, 10 + adapters_.size()));
    pointers_.push_back(&adapters_.back());
  }
}

std::vector<std::string> WorkloadNames() {
  std::vector<std::string> names;
  for (const NamedWorkload& workload : kWorkloads) names.emplace_back(workload.name);
  return names;
}

Workload MakeWorkload(const std::string& name, const WorkloadInputs& inputs, AdapterPool& pool) {
  const auto* const found =
      std::find_if(std::begin(kWorkloads), std::end(kWorkloads),
                   [&](const NamedWorkload& workload) { return name == workload.name; });
  Workload workload = (Builder(inputs, pool).*found->make)();
  workload.name = name;
  return workload;
}

void RunRounds(Workload& workload, int rounds, Executor& executor, const AdapterPool& pool) {
  const auto run = [&](const Case& one, const Pass& pass) {
    if (one.registered != nullptr) {
      const c10::InferenceMode inference;
      one.registered->runner().Run(pass.request);
    } else {
      executor.Run(pass.plan, pass.texts, pool.adapters());
    }
  };
  for (int round = -kWarmUpRounds; round < rounds; ++round) {
    for (Case& one : workload.cases) {
      for (int turn = 0; turn < one.passes_a_round; ++turn) {
        const int index = std::max(round, 0) * one.passes_a_round + turn;
        const Pass& pass = one.passes[static_cast<size_t>(index) % one.passes.size()];
        const double ms = MsOf([&] { run(one, pass); });
        if (round >= 0) one.ms.push_back(ms);
      }
    }
  }
}

}  // namespace fathom::bench
