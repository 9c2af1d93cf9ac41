#include "adapters/train/evaluator.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include "adapters/data/text_packs.h"
#include "runtime/pass/ops/apply_head.h"
#include "runtime/pass/plan.h"

namespace fathom::training {
namespace {

// The first row of every output, in the order of the plan: by text, then depth.
at::Tensor ClsRows(const PassPlan& plan) {
  at::Tensor rows = at::empty({static_cast<int64_t>(plan.outputs.size())}, at::kLong);
  int64_t* row = rows.mutable_data_ptr<int64_t>();
  for (const PlanOutput& output : plan.outputs) *row++ = output.rows.first;
  return rows;
}

template <typename T>
std::vector<T> Gather(const std::vector<T>& from, absl::Span<const int64_t> places) {
  std::vector<T> gathered;
  gathered.reserve(places.size());
  for (const int64_t place : places) gathered.push_back(from[static_cast<size_t>(place)]);
  return gathered;
}

}  // namespace

Evaluator::Evaluator(std::shared_ptr<const Encoder> encoder, const Dataset& data,
                     const EvaluatorOptions& options)
    : encoder_(std::move(encoder)), data_(data), options_(options), executor_(encoder_) {
  for (const Example& example : data.examples) {
    expected_labels_.push_back(example.label);
    expected_values_.push_back(static_cast<double>(example.target));
  }
}

std::vector<Evaluator::Answers> Evaluator::Predict(const FrozenTask& task,
                                                   absl::Span<const int> depths) {
  const c10::InferenceMode inference;
  const Encoder& encoder = task.encoder ? *task.encoder : *encoder_;
  std::optional<Executor> own;
  if (task.encoder) own.emplace(task.encoder);
  Executor& executor = own ? *own : executor_;
  std::vector<PlanTask> tasks;
  for (int n : depths)
    tasks.push_back(
        {.adapter = 0, .layout = &task.adapter.layout, .skip_layers = n, .reads = Reads::kCls});
  std::vector<Answers> answers(depths.size());
  for (Answers& one : answers) {
    one.labels.resize(data_.examples.size());
    one.values.resize(data_.examples.size());
  }
  const auto depth_count = static_cast<int64_t>(depths.size());
  for (const std::vector<int64_t>& chunk : PackAll(data_, options_.max_rows / depth_count)) {
    const std::vector<const TokenizedText*> texts = TextsOf(data_, chunk);
    std::vector<PlanText> plan_texts;
    for (const TokenizedText* text : texts) {
      plan_texts.push_back({static_cast<int32_t>(text->ids.size()), tasks});
    }
    const PassPlan plan = PlanPass(encoder.config().layers, plan_texts);
    const Adapter* adapters[] = {&task.adapter};
    const at::Tensor states = executor.Run(plan, texts, adapters);
    const at::Tensor logits =
        ops::ApplyHead(task.head, encoder, at::index_select(states, 0, ClsRows(plan))).contiguous();
    const int64_t outputs = logits.size(1);
    const float* values = logits.const_data_ptr<float>();
    for (const PlanOutput& output : plan.outputs) {
      Answers& at_depth = answers[static_cast<size_t>(output.task)];
      const auto text = static_cast<size_t>(chunk[static_cast<size_t>(output.text)]);
      at_depth.finite &=
          std::all_of(values, values + outputs, [](float value) { return std::isfinite(value); });
      at_depth.values[text] = static_cast<double>(values[0]);
      at_depth.labels[text] = static_cast<int>(std::max_element(values, values + outputs) - values);
      values += outputs;
    }
  }
  return answers;
}

double Evaluator::Score(const Answers& answers) const {
  if (!answers.finite) return std::numeric_limits<double>::quiet_NaN();
  if (data_.type == TaskType::kRegression) {
    return Evaluate(options_.metric, answers.values, expected_values_);
  }
  return Evaluate(options_.metric, Classified{answers.labels, expected_labels_, data_.classes()});
}

double Evaluator::ScoreOn(absl::Span<const int64_t> texts, const Answers& answers) const {
  if (data_.type == TaskType::kRegression) {
    return Evaluate(options_.metric, Gather(answers.values, texts),
                    Gather(expected_values_, texts));
  }
  const std::vector<int> predicted = Gather(answers.labels, texts);
  const std::vector<int> expected = Gather(expected_labels_, texts);
  return Evaluate(options_.metric, Classified{predicted, expected, data_.classes()});
}

std::vector<DepthPoint> Evaluator::Measure(const FrozenTask& task, absl::Span<const int> depths) {
  return Points(depths, Predict(task, depths));
}

std::vector<DepthPoint> Evaluator::Points(absl::Span<const int> depths,
                                          const std::vector<Answers>& answers) const {
  const bool classifies = data_.type == TaskType::kClassification;
  const auto zero = std::find(depths.begin(), depths.end(), 0) - depths.begin();
  const bool comparable = classifies && zero < static_cast<ptrdiff_t>(depths.size());
  std::vector<DepthPoint> points;
  for (size_t i = 0; i < depths.size(); ++i) {
    DepthPoint point{.skip_layers = depths[i], .score = Score(answers[i])};
    if (classifies) {
      point.macro_f1 = MacroF1({answers[i].labels, expected_labels_, data_.classes()});
    }
    if (comparable) {
      const std::vector<int>& reference = answers[static_cast<size_t>(zero)].labels;
      point.agreement = Accuracy({answers[i].labels, reference, data_.classes()});
    }
    points.push_back(point);
  }
  return points;
}

void Evaluator::AddHalfWidths(const std::vector<Answers>& answers,
                              std::vector<DepthPoint>& points) const {
  const bool finite = std::all_of(points.begin(), points.end(), [](const DepthPoint& point) {
    return std::isfinite(point.score);
  });
  if (!finite || data_.examples.empty()) return;
  const std::vector<double> half_widths = PairedHalfWidths(
      answers.size(), static_cast<int64_t>(data_.examples.size()),
      [&](size_t list, absl::Span<const int64_t> texts) { return ScoreOn(texts, answers[list]); },
      options_.bootstrap);
  for (size_t i = 0; i < points.size(); ++i) points[i].half_width = half_widths[i];
}

DepthProfile Evaluator::MeasureProfile(const FrozenTask& task) {
  std::vector<int> depths(static_cast<size_t>(encoder_->config().layers) + 1);
  std::iota(depths.begin(), depths.end(), 0);
  DepthProfile profile;
  profile.metric = MetricName(options_.metric);
  const std::vector<Answers> answers = Predict(task, depths);
  profile.points = Points(depths, answers);
  AddHalfWidths(answers, profile.points);
  profile.majority_baseline = MajorityBaseline();
  profile.samples = static_cast<int64_t>(data_.examples.size());
  return profile;
}

double Evaluator::MajorityBaseline() const {
  Answers constant;
  constant.values.assign(data_.examples.size(), 0);
  std::vector<int64_t> counts(std::max<size_t>(1, data_.labels.size()), 0);
  for (int label : expected_labels_) ++counts[static_cast<size_t>(label)];
  const auto commonest = std::max_element(counts.begin(), counts.end()) - counts.begin();
  constant.labels.assign(data_.examples.size(), static_cast<int>(commonest));
  return Score(constant);
}

}  // namespace fathom::training
