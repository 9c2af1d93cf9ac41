#include "runtime/pass_forecast.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "runtime/cache/text_key.h"
#include "runtime/pass/pass_task.h"
#include "runtime/pass/plan.h"

namespace fathom {
namespace {

struct HashOfText {
  size_t operator()(const TokenizedText* text) const { return TextHash{}(*text); }
};
struct EqualTexts {
  bool operator()(const TokenizedText* a, const TokenizedText* b) const {
    return a == b || TextEqual{}(*a, *b);
  }
};

}  // namespace

// What one prediction is worked out on.
struct PassForecast::Desk {
  explicit Desk(int layers) : planner(layers) {}

  // The plan's text of these token ids, new or known.
  PlanText& TextOf(const TokenizedText& text) {
    const auto [found, is_new] = index.try_emplace(&text, used);
    if (!is_new) return texts[found->second];
    if (texts.size() == used) texts.emplace_back();
    PlanText& added = texts[used++];
    added.tokens = static_cast<int32_t>(text.ids.size());
    added.tasks.clear();
    added.taps.clear();
    return added;
  }
  int32_t AdapterOf(const LoadedTask* task) const {
    return static_cast<int32_t>(std::lower_bound(tasks.begin(), tasks.end(), task) - tasks.begin());
  }

  Planner planner;
  absl::flat_hash_map<const TokenizedText*, size_t, HashOfText, EqualTexts> index;
  std::vector<PlanText> texts;  // the first `used`
  size_t used = 0;
  absl::flat_hash_set<std::ptrdiff_t> without_taps;  // indices of texts
  std::vector<bool> answered;            // of all (text, task) in order: kept by a cache
  std::vector<const LoadedTask*> tasks;  // sorted; a plan's adapter is an index
  std::vector<int32_t> widths;           // [tasks]: D
};

PassForecast::PassForecast(int layers, const PassCaches& caches, const CostPredictor& costs)
    : layers_(layers), caches_(caches), costs_(costs) {}

PassForecast::~PassForecast() = default;

PassPrediction PassForecast::Predict(absl::Span<const PassText> texts, int threads) const {
  std::unique_ptr<Desk> desk = TakeDesk();
  Describe(texts, *desk);
  PassPrediction prediction;
  if (desk->used > 0) {
    const PassPlan& plan = desk->planner.Plan(absl::MakeConstSpan(desk->texts).first(desk->used));
    const CostPredictor::Prediction predicted = costs_.Predict(
        plan, {.adapter_widths = desk->widths, .heads = static_cast<int>(desk->tasks.size())},
        threads);
    prediction = {
        .ms = predicted.ms, .encoder_ms = predicted.encoder_ms, .late_ms = predicted.late_ms};
  }
  const absl::MutexLock lock(&mutex_);
  free_.push_back(std::move(desk));
  return prediction;
}

std::unique_ptr<PassForecast::Desk> PassForecast::TakeDesk() const {
  {
    const absl::MutexLock lock(&mutex_);
    if (!free_.empty()) {
      std::unique_ptr<Desk> desk = std::move(free_.back());
      free_.pop_back();
      return desk;
    }
  }
  return std::make_unique<Desk>(layers_);
}

bool PassForecast::IsAnswered(const TokenizedText& text, const PassTask& task) const {
  return !task.bypass_caches &&
         caches_.answers.Contains(text, AnswerId(task), AnswerDepth(task), OutputOf(task));
}

void PassForecast::Describe(absl::Span<const PassText> texts, Desk& desk) const {
  desk.index.clear();
  desk.used = 0;
  desk.without_taps.clear();
  desk.tasks.clear();
  desk.answered.clear();
  // Asked once: other threads change the caches meanwhile.
  for (const PassText& text : texts) {
    for (const PassTask& task : text.tasks) {
      const bool answered = IsAnswered(*text.text, task);
      desk.answered.push_back(answered);
      if (task.task != nullptr && !answered) desk.tasks.push_back(Loaded(task));
    }
  }
  std::sort(desk.tasks.begin(), desk.tasks.end());
  desk.tasks.erase(std::unique(desk.tasks.begin(), desk.tasks.end()), desk.tasks.end());
  desk.widths.clear();
  for (const LoadedTask* task : desk.tasks) desk.widths.push_back(task->widest_bottleneck());

  size_t item = 0;
  for (const PassText& text : texts) {
    PlanText* plan_text = nullptr;
    for (const PassTask& task : text.tasks) {
      if (desk.answered[item++]) continue;
      PlanTask planned{
          .adapter = PlanTask::kNoAdapter, .skip_layers = task.skip_layers, .reads = ReadsOf(task)};
      if (const LoadedTask* loaded = Loaded(task)) {
        planned.adapter = desk.AdapterOf(loaded);
        planned.layout = &loaded->layout();
      }
      if (plan_text == nullptr) plan_text = &desk.TextOf(*text.text);
      plan_text->tasks.push_back(planned);
      if (task.bypass_caches) desk.without_taps.insert(plan_text - desk.texts.data());
    }
  }
  for (const auto& [text, index] : desk.index) {
    if (desk.without_taps.contains(static_cast<std::ptrdiff_t>(index))) continue;
    for (const auto& tap : caches_.taps.Peek(*text).taps) {
      desk.texts[index].taps.push_back({tap->layer(), tap->form()});
    }
  }
}

}  // namespace fathom
