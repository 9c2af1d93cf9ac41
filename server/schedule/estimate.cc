#include "server/schedule/estimate.h"

#include <algorithm>
#include <vector>

#include "server/schedule/chosen_depths.h"

namespace fathom {
namespace {

// The raw encoder over `count` texts.
double PredictPlain(const Engine& engine, int count) {
  constexpr size_t kTokens = 16;
  const size_t tokens = std::min(kTokens, static_cast<size_t>(engine.encoder().max_tokens));
  std::vector<TokenizedText> texts;
  std::vector<PassText> pass;
  texts.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    TokenizedText& text = texts.emplace_back();
    text.ids.assign(tokens, i);  // no two alike
    text.segment_ids.assign(tokens, 0);
    pass.push_back({.text = &text, .tasks = {PassTask{}}});
  }
  return engine.PredictMs(pass, /*threads=*/0);
}

struct Sample {
  std::vector<PassText> texts;
  int64_t rows = 0;
};

int LargestTrained(const ScheduledTask& task) { return task.task->info().trained_skip_layers.last; }

Sample TakeSample(absl::Span<const ScheduledText> texts, int64_t max_rows, bool largest_n) {
  Sample sample;
  for (const ScheduledText& text : texts) {
    PassText& pass_text = sample.texts.emplace_back(PassText{.text = &text.text});
    for (const ScheduledTask& task : text.tasks) {
      pass_text.tasks.push_back(ToPassTask(task));
      if (largest_n && !IsExact(task)) pass_text.tasks.back().skip_layers = LargestTrained(task);
      sample.rows += static_cast<int64_t>(text.text.ids.size());
      if (sample.rows >= max_rows) return sample;
    }
  }
  return sample;
}

int64_t RowsOf(absl::Span<const ScheduledText> texts) {
  int64_t rows = 0;
  for (const ScheduledText& text : texts) {
    rows += static_cast<int64_t>(text.text.ids.size() * text.tasks.size());
  }
  return rows;
}

}  // namespace

double FixedPassMs(const Engine& engine) {
  constexpr int kFew = 2;
  constexpr int kMany = 16;
  const double few = PredictPlain(engine, kFew);
  const double many = PredictPlain(engine, kMany);
  // Of the line through both.
  const double fixed = (few * kMany - many * kFew) / (kMany - kFew);
  return std::clamp(fixed, 0.0, few);
}

RequestEstimate EstimateRequest(const Engine& engine, absl::Span<const ScheduledText> texts,
                                int64_t max_rows, double fixed_ms, bool automatic) {
  const auto rows = static_cast<double>(RowsOf(texts));
  const Sample sample = TakeSample(texts, max_rows, /*largest_n=*/false);
  const double ms = engine.PredictMs(sample.texts, /*threads=*/0);
  if (ms <= 0) return {};
  // What caches answer may cost less than a pass's fixed part; some of it is always its own.
  constexpr double kOwnShare = 0.1;
  const auto scale = [&](double sample_ms) {
    const double own = std::max(sample_ms - fixed_ms, kOwnShare * sample_ms);
    return own * rows / static_cast<double>(sample.rows);
  };
  const double fixed = std::min(fixed_ms, ms);
  RequestEstimate estimate{.row_ms = scale(ms) / rows, .alone_ms = std::max(ms, fixed + scale(ms))};
  estimate.least_ms = estimate.alone_ms;
  if (!automatic || !AnyOpen(texts)) return estimate;
  const Sample shallow = TakeSample(texts, max_rows, /*largest_n=*/true);
  const double least = engine.PredictMs(shallow.texts, /*threads=*/0);
  estimate.least_ms = std::min(estimate.alone_ms, std::max(least, fixed + scale(least)));
  return estimate;
}

}  // namespace fathom
