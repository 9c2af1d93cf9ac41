#include "server/depth/call_forecast.h"

#include <algorithm>

namespace fathom {
namespace {

double RowsOf(const ScheduledText& text) {
  return static_cast<double>(text.text.ids.size() * text.tasks.size());
}

}  // namespace

CallForecast::CallForecast(const Engine& engine, int threads, absl::Span<const ScheduledText> texts,
                           const CallDepths& call)
    : engine_(engine), threads_(threads), all_(texts), call_(call) {}

void CallForecast::Sample() {
  size_t items = 0;
  for (const ScheduledText& text : all_) items += text.tasks.size();
  const size_t every = std::max<size_t>(1, (items + kMostItems - 1) / kMostItems);
  double rows = 0;
  double sampled_rows = 0;
  for (size_t i = 0; i < all_.size(); ++i) {
    rows += RowsOf(all_[i]);
    if (i % every != 0) continue;
    sampled_rows += RowsOf(all_[i]);
    sampled_.push_back(i);
    PassText& text = texts_.emplace_back();
    text.text = &all_[i].text;
    for (const ScheduledTask& task : all_[i].tasks) {
      text.tasks.push_back(ToPassTask(task));
    }
  }
  if (sampled_rows > 0) scale_ = rows / sampled_rows;
}

PassPrediction CallForecast::Predict(absl::Span<const int> skip_layers) {
  if (texts_.empty()) Sample();
  for (const Known& known : known_) {
    if (absl::MakeConstSpan(known.skip_layers) == skip_layers) return known.prediction;
  }
  for (size_t i = 0; i < texts_.size(); ++i) {
    const std::vector<size_t>& questions = call_.question_of()[sampled_[i]];
    for (size_t j = 0; j < questions.size(); ++j) {
      texts_[i].tasks[j].skip_layers = skip_layers[questions[j]];
    }
  }
  PassPrediction prediction = engine_.PredictPass(texts_, threads_);
  prediction.ms *= scale_;
  prediction.encoder_ms *= scale_;
  prediction.late_ms *= scale_;
  known_.push_back({{skip_layers.begin(), skip_layers.end()}, prediction});
  return prediction;
}

}  // namespace fathom
