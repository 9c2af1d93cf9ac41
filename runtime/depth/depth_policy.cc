#include "runtime/depth/depth_policy.h"

#include <algorithm>
#include <limits>

#include "absl/time/time.h"
#include "runtime/depth/depth_quality.h"

namespace fathom {
namespace {

using Kind = DepthChoice::Kind;

constexpr double kWorthwhile = 0.95;  // of the time before, at most
constexpr double kAsGoodAsFastest = 1.03;

// The depths that a task may have, start … top, by steps of one.
struct Ladder {
  int start = 0;
  int top = 0;
  int pushed = 0;         // steps that it goes as far as they pay
  bool budgeted = false;  // goes on from there until its budget fits
  bool held = false;      // by the drift guard: it might have risen

  int At(int push, int rise) const {
    return std::min(start + std::min(push, pushed) + (budgeted ? rise : 0), top);
  }
};

Ladder Fixed(int skip_layers) { return {.start = skip_layers, .top = skip_layers}; }

int BrownoutSteps(const DepthQuestion& question, const DepthMoment& moment) {
  return question.policy.brownout ? moment.brownout_steps : 0;
}

// The largest n that the choice permits, if any is known to keep its quality.
std::optional<int> Deepest(const DepthQuestion& question, int layers) {
  const DepthChoice& choice = question.choice;
  const TaskInfo& task = *question.task;
  const int last = choice.allow_untrained_depth ? layers : task.trained_skip_layers.last;
  if (choice.kind == Kind::kMinQuality) return DeepestKeeping(task, choice.min_quality, last);
  const double floor = choice.quality_floor.value_or(question.policy.quality_floor);
  if (floor >= 1) return std::nullopt;  // pinned, whatever the profile measured above it
  return DeepestKeeping(task, floor, last);
}

Ladder MakeLadder(const DepthQuestion& question, const DepthMoment& moment) {
  const DepthChoice& choice = question.choice;
  if (choice.kind == Kind::kExact) return Fixed(choice.skip_layers);
  if (question.task == nullptr) return {.budgeted = choice.kind == Kind::kLatencyBudget};
  const std::optional<int> deepest = Deepest(question, moment.layers);
  const bool by_default = choice.kind == Kind::kTaskDefault || question.drifted;
  Ladder ladder = Fixed(by_default ? DefaultDepth(*question.task, question.policy)
                                   : question.task->trained_skip_layers.first);
  ladder.budgeted = choice.kind == Kind::kLatencyBudget;
  if (choice.kind == Kind::kMinQuality && deepest && *deepest < ladder.start) {
    return Fixed(*deepest);  // the operator's default keeps less than was asked for
  }
  const int brownout = BrownoutSteps(question, moment);
  ladder.held = question.drifted && (choice.kind != Kind::kTaskDefault || brownout > 0);
  if (question.drifted || !deepest || *deepest <= ladder.start) return ladder;
  ladder.top = *deepest;
  const int room = ladder.top - ladder.start;
  ladder.pushed = choice.kind == Kind::kMinQuality ? room : std::min(brownout, room);
  return ladder;
}

double Milliseconds(absl::Duration duration) { return absl::ToDoubleMilliseconds(duration); }

// Where the ladders of one call come to rest.
class Search {
 public:
  Search(absl::Span<const DepthQuestion> questions, const DepthMoment& moment,
         PredictDepths predict)
      : questions_(questions), moment_(moment), predict_(predict) {
    for (const DepthQuestion& question : questions) {
      const Ladder ladder = MakeLadder(question, moment);
      most_pushed_ = std::max(most_pushed_, ladder.pushed);
      if (ladder.budgeted) {
        tightest_ms_ = std::min(tightest_ms_, Milliseconds(question.choice.latency_budget));
        most_risen_ = std::max(most_risen_, ladder.top - ladder.start);
        budgeted_ = true;
      }
      ladders_.push_back(ladder);
    }
  }

  std::vector<ChosenDepth> Run() {
    if (most_pushed_ > 0 || budgeted_) {
      prediction_ = Predict(0, 0);
      known_ = prediction_.ms > 0;
    }
    if (known_) {
      Push();
      if (budgeted_) Rise();
    }
    std::vector<ChosenDepth> chosen;
    for (size_t i = 0; i < ladders_.size(); ++i) chosen.push_back(Answer(i));
    return chosen;
  }

 private:
  PassPrediction Predict(int push, int rise) {
    depths_.clear();
    for (const Ladder& ladder : ladders_) depths_.push_back(ladder.At(push, rise));
    return predict_(depths_);
  }

  static bool Pays(const PassPrediction& now, const PassPrediction& before) {
    return now.encoder_ms <= kWorthwhile * before.encoder_ms;
  }

  // From arrival to answer, if the pass is one of the late ones.
  double TotalMs(const PassPrediction& prediction) const {
    return moment_.waited_ms + moment_.ahead_ms + std::max(prediction.ms, prediction.late_ms);
  }

  // Every step is looked at: with taps the time need not fall evenly.
  void Push() {
    for (int step = 1; step <= most_pushed_; ++step) {
      const PassPrediction next = Predict(step, 0);
      if (!Pays(next, prediction_)) continue;
      push_ = step;
      prediction_ = next;
    }
  }

  void Rise() {
    struct Level {
      int step = 0;
      PassPrediction prediction;
    };
    std::vector<Level> levels = {{0, prediction_}};
    for (int step = 1; TotalMs(levels.back().prediction) > tightest_ms_ && step <= most_risen_;
         ++step) {
      const PassPrediction next = Predict(push_, step);
      if (Pays(next, prediction_)) levels.push_back({step, next});
    }
    const Level* best = &levels.back();
    if (TotalMs(best->prediction) > tightest_ms_) {
      double fastest = std::numeric_limits<double>::infinity();
      for (const Level& level : levels) fastest = std::min(fastest, level.prediction.ms);
      best = &*std::find_if(levels.begin(), levels.end(), [&](const Level& level) {
        return level.prediction.ms <= kAsGoodAsFastest * fastest;
      });
    }
    rise_ = best->step;
    prediction_ = best->prediction;
  }

  DepthReason ReasonOf(size_t i, int skip_layers) const {
    const Ladder& ladder = ladders_[i];
    if (ladder.held) return DepthReason::kDriftGuard;
    const int pushed = ladder.start + std::min(push_, ladder.pushed);
    switch (questions_[i].choice.kind) {
      case Kind::kExact:
        return DepthReason::kExact;
      case Kind::kMinQuality:
        return DepthReason::kMinQuality;
      case Kind::kLatencyBudget:
        return pushed > ladder.start && skip_layers == pushed ? DepthReason::kBrownout
                                                              : DepthReason::kLatencyBudget;
      case Kind::kTaskDefault:
        break;
    }
    return pushed > ladder.start ? DepthReason::kBrownout : DepthReason::kTaskDefault;
  }

  ChosenDepth Answer(size_t i) const {
    const DepthQuestion& question = questions_[i];
    ChosenDepth chosen{.skip_layers = ladders_[i].At(push_, rise_)};
    chosen.reason = ReasonOf(i, chosen.skip_layers);
    if (known_) chosen.predicted_ms = TotalMs(prediction_);
    if (question.choice.kind != Kind::kLatencyBudget) return chosen;
    chosen.budget_met =
        known_ && TotalMs(prediction_) <= Milliseconds(question.choice.latency_budget);
    if (!known_ && question.task != nullptr) {
      chosen.skip_layers = DefaultDepth(*question.task, question.policy);
    }
    return chosen;
  }

  const absl::Span<const DepthQuestion> questions_;
  const DepthMoment& moment_;
  const PredictDepths predict_;
  std::vector<Ladder> ladders_;
  std::vector<int> depths_;
  int most_pushed_ = 0;
  int most_risen_ = 0;
  bool budgeted_ = false;
  double tightest_ms_ = std::numeric_limits<double>::infinity();

  int push_ = 0;
  int rise_ = 0;
  bool known_ = false;         // what it takes is predicted
  PassPrediction prediction_;  // at push_ and rise_
};

}  // namespace

int DefaultDepth(const TaskInfo& task, const TaskDepthPolicy& policy) {
  if (policy.default_skip_layers &&
      task.trained_skip_layers.Contains(*policy.default_skip_layers)) {
    return *policy.default_skip_layers;
  }
  return task.default_skip_layers;
}

std::vector<ChosenDepth> ChooseDepths(absl::Span<const DepthQuestion> questions,
                                      const DepthMoment& moment, PredictDepths predict) {
  return Search(questions, moment, predict).Run();
}

}  // namespace fathom
