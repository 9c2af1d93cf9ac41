#include "tests/bench/workloads.h"

#include <algorithm>
#include <iterator>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/bench/draws.h"
#include "tests/bench/measure.h"
#include "tests/support/random_model.h"

namespace fathom::bench {
namespace {

constexpr int kWarmUpRounds = 2;
constexpr int kDrawnPasses = 64;     // of a case whose passes differ
constexpr int kRepeatedTexts = 300;  // that repeat draws from
constexpr int kHotAdapters = 100;

class Builder {
 public:
  Builder(const WorkloadInputs& inputs, AdapterPool& pool)
      : options_(inputs.options),
        config_(inputs.config),
        memory_bytes_(inputs.memory_bytes),
        pool_(pool) {}

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
    for (const int registered : {1, 10, 100, 1'000, 10'000}) {
      const int64_t bytes = registered * pool_.bytes_each();
      if (bytes > memory_bytes_) {
        absl::StrAppend(&workload_.note, "Not run: ", registered, " adapters, which take ",
                        bytes >> 20, " MiB; ", memory_bytes_ >> 20, " MiB may be used. ");
        continue;
      }
      pool_.Grow(registered);
      AddCase(RegisteredCase(text, registered));
    }
    return std::move(workload_);
  }

 private:
  // Hot adapters are spread over the registered ones, and so over memory.
  Case RegisteredCase(const TokenizedText& text, int registered) {
    const int hot = std::min(registered, kHotAdapters);
    std::uniform_int_distribution<int> draw(0, hot - 1);
    Case one{.name = absl::StrCat(registered, " registered, ", hot, " hot"),
             .parameters = {{"registered", registered},
                            {"hot", hot},
                            {"tokens", options_.tokens},
                            {"skip_layers", 0}}};
    for (int i = 0; i < kDrawnPasses; ++i) {
      one.passes.push_back(OneText(text, {Task(draw(random_) * (registered / hot), 0)}));
    }
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

  const Options& options_;
  const EncoderConfig& config_;
  const int64_t memory_bytes_;
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

int64_t AdapterPool::bytes_each() const {
  const int64_t hidden = config_.hidden_size;
  const int64_t numbers_a_layer = 2 * hidden * bottleneck_ + hidden + bottleneck_;
  return config_.layers * numbers_a_layer * static_cast<int64_t>(sizeof(float));
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
  for (int round = -kWarmUpRounds; round < rounds; ++round) {
    for (Case& one : workload.cases) {
      const size_t index = static_cast<size_t>(std::max(round, 0)) % one.passes.size();
      const Pass& pass = one.passes[index];
      const double ms = MsOf([&] { executor.Run(pass.plan, pass.texts, pool.adapters()); });
      if (round >= 0) one.ms.push_back(ms);
    }
  }
}

}  // namespace fathom::bench
