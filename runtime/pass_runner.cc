#include "runtime/pass_runner.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "runtime/cache/tap_policy.h"
#include "runtime/cache/text_key.h"
#include "runtime/pass/pass_task.h"

namespace fathom {
PassCaches::PassCaches(const Encoder& encoder, const CacheOptions& cache_options)
    : options(cache_options),
      taps(encoder.fingerprint(), cache_options.tap_bytes),
      answers(encoder.fingerprint(), cache_options.answer_bytes),
      depths(encoder.config().layers) {}

PassRunner::PassRunner(std::shared_ptr<const Encoder> encoder, PassCaches& caches,
                       CostPredictor* costs)
    : encoder_(std::move(encoder)),
      caches_(caches),
      costs_(costs),
      planner_(encoder_->config().layers),
      executor_(encoder_) {}

PassResult PassRunner::Run(absl::Span<const PassText> texts) {
  texts_ = texts;
  PassResult result;
  result.outputs.reserve(texts.size());
  for (const PassText& text : texts) result.outputs.emplace_back(text.tasks.size());
  AnswerFromCache(result);
  PinWeights(result);
  MergeTexts();
  DescribeTexts();
  plan_ = &planner_.Plan(absl::MakeConstSpan(plan_texts_).first(same_texts_.size()));

  kept_.clear();
  const CostPredictor::Prediction prediction = Predict();
  const auto start = std::chrono::steady_clock::now();
  if (!items_.empty()) {
    const TapPrecision precision =
        caches_.options.bf16_taps ? TapPrecision::kBf16 : TapPrecision::kFp32;
    const at::Tensor state = executor_.Run(
        *plan_, plan_tokens_, adapters_, {.found = found_, .precision = precision, .kept = &kept_});
    Answer(state, result);
  }
  const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
  result.predicted_ms = prediction.ms;
  result.actual_ms = time.count();
  if (prediction.ms > 0) costs_->Observe(prediction, time.count(), at::get_num_threads());
  result.rows = plan_->max_rows;
  CountWork(result);
  KeepTaps();
  KeepAnswers(result);
  weights_.clear();
  return result;
}

void PassRunner::AnswerFromCache(PassResult& result) {
  first_task_.clear();
  size_t tasks = 0;
  for (const PassText& text : texts_) {
    first_task_.push_back(tasks);
    tasks += text.tasks.size();
  }
  answered_.assign(tasks, 0);
  if (!caches_.answers.enabled()) return;
  for (size_t i = 0; i < texts_.size(); ++i) {
    for (size_t j = 0; j < texts_[i].tasks.size(); ++j) {
      const PassTask& task = texts_[i].tasks[j];
      auto logits =
          caches_.answers.Find(*texts_[i].text, AnswerId(task), AnswerDepth(task), OutputOf(task));
      if (!logits) continue;
      result.outputs[i][j].logits = *std::move(logits);
      answered_[first_task_[i] + j] = 1;
    }
  }
}

// Of all tasks that are to be computed. One whose weights cannot be had fails, and leaves the pass.
void PassRunner::PinWeights(PassResult& result) {
  wanted_.clear();
  for (size_t i = 0; i < texts_.size(); ++i) {
    for (size_t j = 0; j < texts_[i].tasks.size(); ++j) {
      const LoadedTask* task = Loaded(texts_[i].tasks[j]);
      if (task != nullptr && !IsAnswered(i, j)) wanted_.push_back(task);
    }
  }
  std::sort(wanted_.begin(), wanted_.end());
  wanted_.erase(std::unique(wanted_.begin(), wanted_.end()), wanted_.end());
  tasks_.clear();
  weights_.clear();
  adapters_.clear();
  for (const LoadedTask* task : wanted_) {
    absl::StatusOr<std::shared_ptr<const TaskWeights>> pinned = task->Pin();
    if (!pinned.ok()) {
      FailTask(task, pinned.status(), result);
      continue;
    }
    tasks_.push_back(task);
    adapters_.push_back(&(*pinned)->adapter);
    weights_.push_back(*std::move(pinned));
  }
}

void PassRunner::FailTask(const LoadedTask* task, const absl::Status& status, PassResult& result) {
  for (size_t i = 0; i < texts_.size(); ++i) {
    for (size_t j = 0; j < texts_[i].tasks.size(); ++j) {
      if (Loaded(texts_[i].tasks[j]) != task || IsAnswered(i, j)) continue;
      result.outputs[i][j].status = status;
      answered_[first_task_[i] + j] = 1;
    }
  }
}

size_t PassRunner::AdapterOf(const LoadedTask* task) const {
  return static_cast<size_t>(std::lower_bound(tasks_.begin(), tasks_.end(), task) - tasks_.begin());
}

// Texts in the order in which they first appear, each with the tasks of all its equals.
void PassRunner::MergeTexts() {
  hashes_.clear();
  for (size_t i = 0; i < texts_.size(); ++i) hashes_.emplace_back(TextHash{}(*texts_[i].text), i);
  std::sort(hashes_.begin(), hashes_.end());
  next_same_.assign(texts_.size(), -1);
  is_first_.assign(texts_.size(), 1);
  for (size_t a = 0; a < hashes_.size(); ++a) {
    // The next text behind it that is equal; among equal hashes only.
    for (size_t b = a + 1; b < hashes_.size() && hashes_[b].first == hashes_[a].first; ++b) {
      const auto [text, later] = std::pair(hashes_[a].second, hashes_[b].second);
      if (!TextEqual{}(*texts_[text].text, *texts_[later].text)) continue;
      next_same_[text] = static_cast<int64_t>(later);
      is_first_[later] = 0;
      break;
    }
  }
  items_.clear();
  same_texts_.clear();
  plan_tokens_.clear();
  for (size_t first = 0; first < texts_.size(); ++first) {
    if (!is_first_[first]) continue;
    SameTexts same{.first_item = items_.size(), .text = texts_[first].text};
    for (auto i = static_cast<int64_t>(first); i >= 0; i = next_same_[static_cast<size_t>(i)]) {
      const auto text = static_cast<size_t>(i);
      for (size_t task = 0; task < texts_[text].tasks.size(); ++task) {
        if (!IsAnswered(text, task)) items_.push_back({text, task});
      }
    }
    same.item_count = items_.size() - same.first_item;
    if (same.item_count == 0) continue;
    same_texts_.push_back(same);
    plan_tokens_.push_back(same.text);
  }
}

void PassRunner::DescribeTexts() {
  if (plan_texts_.size() < same_texts_.size()) plan_texts_.resize(same_texts_.size());
  found_.clear();
  for (size_t i = 0; i < same_texts_.size(); ++i) {
    const SameTexts& same = same_texts_[i];
    PlanText& plan_text = plan_texts_[i];
    plan_text.tokens = static_cast<int32_t>(same.text->ids.size());
    plan_text.tasks.clear();
    plan_text.taps.clear();
    plan_text.keep.reset();
    for (const Item& item : absl::MakeConstSpan(items_).subspan(same.first_item, same.item_count)) {
      const PassTask& task = TaskOf(item);
      PlanTask plan_task{
          .adapter = PlanTask::kNoAdapter, .skip_layers = task.skip_layers, .reads = ReadsOf(task)};
      if (const LoadedTask* loaded = Loaded(task)) {
        plan_task.adapter = static_cast<int32_t>(AdapterOf(loaded));
        plan_task.layout = &loaded->layout();
      }
      plan_text.tasks.push_back(plan_task);
    }
    found_.emplace_back();
    if (caches_.options.tap_bytes > 0) ChooseTap(plan_text);
  }
}

// Asks the cache for a text's taps, and the policy for what to keep of it.
void PassRunner::ChooseTap(PlanText& text) {
  TextTaps& found = found_.back();
  found = caches_.taps.Find(*plan_tokens_[found_.size() - 1]);
  for (const auto& tap : found.taps) text.taps.push_back({tap->layer(), tap->form()});
  const TrunkLayers trunk = planner_.FindTrunkLayers(text);
  pair_layers_.clear();
  for (const PlanTask& task : text.tasks) {
    // The raw encoder asks for what lies above all layers.
    caches_.depths.Add(task.layout == nullptr ? encoder_->config().layers : task.skip_layers);
    if (const std::optional<int> layer = PairLayer(task)) pair_layers_.push_back(*layer);
  }
  if (trunk.last < trunk.first) return;  // nothing new to keep
  caches_.depths.AtLeast(asked_at_least_);
  text.keep = fathom::ChooseTap({.layers = encoder_->config().layers,
                                 .first_computed = trunk.first,
                                 .last_computed = trunk.last,
                                 .cls_only_at_last = trunk.cls_only_at_end,
                                 .sightings = found.sightings,
                                 .kept = text.taps,
                                 .asked_at_least = asked_at_least_,
                                 .pair_layers = pair_layers_});
}

// Nothing where nothing is computed.
CostPredictor::Prediction PassRunner::Predict() {
  if (costs_ == nullptr || items_.empty()) return {};
  widths_.clear();
  for (const LoadedTask* task : tasks_) widths_.push_back(task->widest_bottleneck());
  return costs_->Predict(*plan_,
                         {.adapter_widths = widths_, .heads = static_cast<int>(tasks_.size())},
                         at::get_num_threads());
}

// A text's own work: what its tasks would run alone is known; what equal texts ran together is
// divided among them by their tasks.
void PassRunner::CountWork(PassResult& result) const {
  result.work.assign(texts_.size(), {});
  for (size_t i = 0; i < same_texts_.size(); ++i) {
    const SameTexts& same = same_texts_[i];
    const Work& together = plan_->work[i];
    const double share = 1 / static_cast<double>(same.item_count);
    caches_.taps.CountLookup(together.row_layers_cached > 0);
    for (const Item& item : absl::MakeConstSpan(items_).subspan(same.first_item, same.item_count)) {
      Work& work = result.work[item.text];
      work.row_layers_run += together.row_layers_run * share;
      work.row_layers_shared += together.row_layers_shared * share;
      work.row_layers_cached += together.row_layers_cached * share;
      if (TaskOf(item).task != nullptr) {
        work.row_layers_skipped +=
            TaskOf(item).skip_layers * static_cast<double>(same.text->ids.size());
      }
    }
  }
  for (size_t text = 0; text < texts_.size(); ++text) {
    for (size_t task = 0; task < texts_[text].tasks.size(); ++task) {
      if (!IsAnswered(text, task) || !result.outputs[text][task].status.ok()) continue;
      const auto tokens = static_cast<int32_t>(texts_[text].text->ids.size());
      result.work[text].row_layers_cached +=
          RowLayersAlone(encoder_->config().layers, tokens, ReadsOf(texts_[text].tasks[task]));
    }
  }
}

void PassRunner::Answer(const at::Tensor& state, PassResult& result) {
  to_answer_.clear();
  for (size_t i = 0; i < items_.size(); ++i) {
    const LoadedTask* task = Loaded(TaskOf(items_[i]));
    to_answer_.push_back({.task = TaskOf(items_[i]),
                          .head = task == nullptr ? nullptr : &weights_[AdapterOf(task)]->head,
                          .rows = plan_->outputs[i].rows,
                          .output = &result.outputs[items_[i].text][items_[i].task]});
  }
  answers_.Answer(to_answer_, *encoder_, state);
}

void PassRunner::KeepTaps() {
  for (KeptTap& kept : kept_) {
    caches_.taps.Insert(*plan_tokens_[static_cast<size_t>(kept.text)], std::move(kept.tap));
  }
  kept_.clear();
  found_.clear();  // evicted taps are freed now, not at the next pass
}

void PassRunner::KeepAnswers(const PassResult& result) {
  if (!caches_.answers.enabled()) return;
  for (const Item& item : items_) {
    const TaskOutput& output = result.outputs[item.text][item.task];
    if (!output.status.ok()) continue;
    const PassTask& task = TaskOf(item);
    caches_.answers.Insert(*texts_[item.text].text, AnswerId(task), AnswerDepth(task),
                           output.logits, OutputOf(task));
  }
}

}  // namespace fathom
