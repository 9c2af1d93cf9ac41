#include "tests/bench/workloads.h"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <iterator>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "runtime/task/fusion.h"
#include "tests/bench/draws.h"
#include "tests/bench/measure.h"
#include "tests/bench/plain_fusion.h"
#include "tests/bench/registered_tasks.h"
#include "tests/support/random_model.h"

namespace fathom::bench {
namespace {

constexpr int kWarmUpRounds = 2;
constexpr int kDrawnPasses = 256;    // of repeat
constexpr int kRepeatedPasses = 8;   // a round of them
constexpr int kRepeatedTexts = 300;  // that repeat draws from
constexpr int kHotTasks = 100;
constexpr int kPassesWithOneStore = 10;  // so that one task alone stays in the CPU's caches

class Builder {
 public:
  Builder(const WorkloadInputs& inputs, TaskPool& pool)
      : options_(inputs.options),
        encoder_(inputs.encoder),
        config_(inputs.encoder->config()),
        pool_(pool),
        uncached_(OnePass(encoder_, {.tap_bytes = 0})) {}

  Workload Lone() {
    for (const int tokens : {16, 32, 128}) {
      if (tokens > config_.max_positions) continue;
      const TokenizedText& text = AddText(tokens);
      const size_t baseline = workload_.cases.size();
      for (const int n : {0, config_.layers - 1}) {
        AddCase({.name = absl::StrCat(tokens, " tokens, n = ", n),
                 .parameters = {{"tokens", tokens}, {"tasks", 1}, {"skip_layers", n}},
                 .baseline = baseline,
                 .requests = {FirstTasks(text, 1, n)},
                 .runner = uncached_});
      }
    }
    return std::move(workload_);
  }

  Workload Fanout() {
    const TokenizedText& text = AddText(options_.tokens);
    for (int n = 0; n < config_.layers; ++n) {
      AddCase({.name = absl::StrCat("n = ", n),
               .parameters = {{"tokens", options_.tokens},
                              {"tasks", options_.tasks},
                              {"skip_layers", n}},
               .requests = {FirstTasks(text, options_.tasks, n)},
               .runner = uncached_});
    }
    return std::move(workload_);
  }

  Workload Mixed() {
    AddCase(Sentences(absl::StrCat(options_.texts, " texts"), uncached_));
    return std::move(workload_);
  }

  Workload Workers() {
    AddCase(Sentences(absl::StrCat("one pass, ", options_.threads, " threads"), uncached_));
    if (options_.threads > 1) {
      Case parts = workload_.cases[0];
      parts.name = absl::StrCat(options_.threads, " passes at once, 1 thread each");
      parts.parameters["passes_at_once"] = options_.threads;
      parts.runner = SideBySide(encoder_, options_.threads);
      AddCase(std::move(parts));
    }
    return std::move(workload_);
  }

  Workload Repeat() {
    for (int i = 0; i < kRepeatedTexts; ++i) AddText(options_.tokens);
    std::vector<int> draws = ZipfDraws(kDrawnPasses, kRepeatedTexts, random_);
    const int n = config_.layers - 1;
    std::vector<Request> requests;
    for (const int draw : draws) {
      requests.push_back(FirstTasks(workload_.texts[static_cast<size_t>(draw)], options_.tasks, n));
    }
    draws.resize(std::min(draws.size(), static_cast<size_t>(options_.rounds * kRepeatedPasses)));
    Case one{.name = absl::StrCat("Zipf over ", kRepeatedTexts, " texts, no cache"),
             .parameters = {{"texts", kRepeatedTexts},
                            {"zipf_exponent", 1},
                            {"tokens", options_.tokens},
                            {"tasks", options_.tasks},
                            {"skip_layers", n},
                            {"repeated_share", RepeatedShare(draws)},
                            {"tap_cache", false}},
             .requests = std::move(requests),
             .passes_a_round = kRepeatedPasses,
             .runner = uncached_};
    AddCase(one);
    one.name = absl::StrCat("Zipf over ", kRepeatedTexts, " texts, tap cache");
    one.parameters["tap_cache"] = true;
    one.runner = OnePass(encoder_, {});
    AddCase(std::move(one));
    workload_.note = absl::StrFormat("Share of the timed texts seen before: %.2f. All at n = %d.",
                                     RepeatedShare(draws), n);
    for (const int tasks : {1, options_.tasks, options_.cached_tasks}) AddSameText(tasks, n);
    return std::move(workload_);
  }

  Workload Fusions() {
    const std::vector<FusedTask> fusions = MakeFusions();
    for (const int texts : {1, options_.texts}) AddFusions(texts, fusions);
    workload_.note =
        "All at n = 0. A plain fusion computes every adapter's output, keys and values. The limit "
        "counts a fusion as one adapter.";
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
  struct FusedTask {
    std::string name;
    const LoadedTask* task;
    std::shared_ptr<CaseRunner> plain;  // null: not run
  };

  // So many texts through one adapter, and through fusions.
  void AddFusions(int texts, const std::vector<FusedTask>& fusions) {
    pool_.Grow(1);
    std::vector<const TokenizedText*> pointers;
    for (int i = 0; i < texts; ++i) pointers.push_back(&AddText(options_.tokens));
    const size_t baseline = workload_.cases.size();
    const auto add = [&](const std::string& name, const LoadedTask& task,
                         std::shared_ptr<CaseRunner> runner) {
      Request request;
      for (const TokenizedText* text : pointers) {
        request.push_back({.text = text, .tasks = {{.task = &task, .skip_layers = 0}}});
      }
      AddCase({.name = absl::StrCat(texts, texts == 1 ? " text, " : " texts, ", name),
               .parameters = {{"texts", texts}, {"tokens", options_.tokens}, {"fusion", name}},
               .baseline = baseline,
               .requests = {std::move(request)},
               .runner = std::move(runner)});
    };
    add("one adapter", pool_.task(0), uncached_);
    for (const FusedTask& fused : fusions) {
      add(fused.name, *fused.task, uncached_);
      if (fused.plain != nullptr) add(fused.name + ", plain", *fused.task, fused.plain);
    }
  }

  std::vector<FusedTask> MakeFusions() {
    std::vector<FusedTask> made;
    for (const auto& [name, count, keep] : {std::tuple("fusion of 2", 2, 2),
                                            {"fusion of 8", 8, 8},
                                            {"8 pruned to 2", 8, 2},
                                            {"fusion of 16", 16, 16}}) {
      Fusion fusion = MakeFusion(count, keep);
      FusedTask& task = made.emplace_back();
      task.name = name;
      task.task = &pool_.Add(AbsorbFusion(fusion));
      if (count != 8) continue;
      task.plain = PlainFusion(encoder_, std::move(fusion),
                               RandomHead(config_.hidden_size, {"no", "yes"}, 1));
    }
    return made;
  }

  // `count` random Pfeiffer adapters, `keep` of them in each layer: others in the next one.
  Fusion MakeFusion(int count, int keep) {
    FusionDesign design;
    for (int member = 0; member < count; ++member) {
      std::vector<int> left_out;
      for (int layer = 0; layer < config_.layers; ++layer) {
        const int place = (member + count - layer % count) % count;
        if (place >= keep) left_out.push_back(layer);
      }
      design.members.push_back(PfeifferLayout(config_.layers, left_out));
      design.widths.push_back(options_.bottleneck);
    }
    Fusion fusion = RandomFusion(design, config_.hidden_size, 20);
    // Scores near 0: no weight of a softmax is so small that the CPU slows down.
    for (auto& places : fusion.layers) {
      for (auto& layer : places) {
        if (layer) layer->query_weight = layer->query_weight * 1e-4;
      }
    }
    return fusion;
  }

  // One text whose tap is cached, in a runner of its own.
  void AddSameText(int tasks, int skip_layers) {
    AddCase({.name = absl::StrCat("one text again, ", tasks, " tasks"),
             .parameters = {{"texts", 1},
                            {"tokens", options_.tokens},
                            {"tasks", tasks},
                            {"skip_layers", skip_layers},
                            {"tap_cache", true}},
             .requests = {FirstTasks(workload_.texts[0], tasks, skip_layers)},
             .runner = OnePass(encoder_, {})});
  }

  Case Sentences(std::string name, std::shared_ptr<CaseRunner> runner) {
    pool_.Grow(options_.tasks);
    std::uniform_int_distribution<int> task(0, options_.tasks - 1);
    std::uniform_int_distribution<int> depth(0, config_.layers - 1);
    const LengthRange range{.shortest = 4, .longest = std::min(66, config_.max_positions)};
    Request request;
    int64_t tokens = 0;
    for (const int length : SentenceLengths(options_.texts, range, random_)) {
      const LoadedTask& drawn = pool_.task(task(random_));
      request.push_back(
          {.text = &AddText(length), .tasks = {{.task = &drawn, .skip_layers = depth(random_)}}});
      tokens += length;
    }
    return {.name = std::move(name),
            .parameters = {{"texts", options_.texts},
                           {"tokens_in_all", tokens},
                           {"tasks", options_.tasks},
                           {"skip_layers", "random"}},
            .requests = {std::move(request)},
            .runner = std::move(runner)};
  }

  Case RegisteredCase(const TokenizedText& text, int registered) {
    const int hot = std::min(registered, kHotTasks);
    const auto tasks = std::make_shared<RegisteredTasks>(
        encoder_,
        RegisteredOptions{.registered = registered, .hot = hot, .bottleneck = options_.bottleneck});
    Case one{.name = absl::StrCat(registered, " registered, ", hot, " hot"),
             .parameters = {{"registered", registered},
                            {"hot", hot},
                            {"tokens", options_.tokens},
                            {"skip_layers", 0}},
             .passes_a_round = kPassesWithOneStore,
             .runner = tasks};
    std::uniform_int_distribution<size_t> draw(0, static_cast<size_t>(hot) - 1);
    for (int i = 0; i < options_.rounds * kPassesWithOneStore; ++i) {
      one.requests.push_back(
          {{.text = &text, .tasks = {{.task = tasks->hot()[draw(random_)].get()}}}});
    }
    absl::StrAppend(&workload_.note, registered, " folders opened in ",
                    absl::StrFormat("%.2f s, %.1f MiB. ", tasks->open_seconds(),
                                    static_cast<double>(tasks->open_bytes()) / (1 << 20)));
    return one;
  }

  const TokenizedText& AddText(int tokens) {
    workload_.texts.push_back(RandomText(config_, tokens, random_));
    return workload_.texts.back();
  }

  Request FirstTasks(const TokenizedText& text, int count, int skip_layers) {
    pool_.Grow(count);
    PassText pass{.text = &text};
    for (int i = 0; i < count; ++i) {
      pass.tasks.push_back({.task = &pool_.task(i), .skip_layers = skip_layers});
    }
    return {pass};
  }

  void AddCase(Case one) { workload_.cases.push_back(std::move(one)); }

  const Options& options_;
  const std::shared_ptr<const Encoder> encoder_;
  const EncoderConfig& config_;
  TaskPool& pool_;
  const std::shared_ptr<CaseRunner> uncached_;
  std::mt19937 random_{1};
  Workload workload_;
};

struct NamedWorkload {
  const char* name;
  Workload (Builder::*make)();
};

constexpr NamedWorkload kWorkloads[] = {
    {"lone", &Builder::Lone},       {"fanout", &Builder::Fanout}, {"mixed", &Builder::Mixed},
    {"workers", &Builder::Workers}, {"repeat", &Builder::Repeat}, {"adapters", &Builder::Adapters},
    {"fusion", &Builder::Fusions}};

}  // namespace

std::vector<std::string> WorkloadNames() {
  std::vector<std::string> names;
  for (const NamedWorkload& workload : kWorkloads) names.emplace_back(workload.name);
  return names;
}

Workload MakeWorkload(const std::string& name, const WorkloadInputs& inputs, TaskPool& pool) {
  const auto* const found =
      std::find_if(std::begin(kWorkloads), std::end(kWorkloads),
                   [&](const NamedWorkload& workload) { return name == workload.name; });
  Workload workload = (Builder(inputs, pool).*found->make)();
  workload.name = name;
  return workload;
}

void RunRounds(Workload& workload, int rounds) {
  for (int round = -kWarmUpRounds; round < rounds; ++round) {
    for (Case& one : workload.cases) {
      for (int turn = 0; turn < one.passes_a_round; ++turn) {
        const int index = std::max(round, 0) * one.passes_a_round + turn;
        const size_t request = static_cast<size_t>(index) % one.requests.size();
        const double ms = MsOf([&] { one.runner->Run(one.requests[request]); });
        if (round >= 0) {
          one.runs.push_back({.ms = ms, .plan = one.runner->plan(), .request = request});
        }
      }
    }
  }
}

}  // namespace fathom::bench
