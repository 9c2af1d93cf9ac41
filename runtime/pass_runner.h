// PassRunner: from texts and tasks to answers, for one worker of the engine. Identical texts are
// merged, the caches are asked, the pass is planned and executed, the heads answer, and what is
// worth keeping goes into the caches.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "runtime/cache/answer_cache.h"
#include "runtime/cache/depth_histogram.h"
#include "runtime/cache/tap_cache.h"
#include "runtime/depth/cost_predictor.h"
#include "runtime/engine.h"
#include "runtime/model/encoder.h"
#include "runtime/pass/executor.h"
#include "runtime/pass/pass_answers.h"
#include "runtime/pass/plan.h"
#include "runtime/task/task_store.h"

namespace fathom {

// What the caches of an engine hold, shared by its runners. Any thread.
struct PassCaches {
  PassCaches(const Encoder& encoder, const CacheOptions& options);

  const CacheOptions options;
  TapCache taps;
  AnswerCache answers;
  DepthHistogram depths;
};

// Holds the buffers of a pass: for one thread at a time. LibTorch's exceptions pass through.
class PassRunner {
 public:
  // `caches` and `costs` must outlive the runner. Without costs nothing is predicted.
  PassRunner(std::shared_ptr<const Encoder> encoder, PassCaches& caches,
             CostPredictor* costs = nullptr);

  PassResult Run(absl::Span<const PassText> texts);

  // Of the last Run; stands until the next.
  const PassPlan& plan() const { return *plan_; }

 private:
  // One (text, task) that the pass computes.
  struct Item {
    size_t text = 0;  // of the request
    size_t task = 0;
  };
  // Texts of the request with equal token ids and segment ids: one text of the plan.
  struct SameTexts {
    size_t first_item = 0;
    size_t item_count = 0;
    const TokenizedText* text = nullptr;
  };

  void AnswerFromCache(PassResult& result);
  void MergeTexts();
  void PinWeights(PassResult& result);
  void FailTask(const LoadedTask* task, const absl::Status& status, PassResult& result);
  void DescribeTexts();
  void ChooseTap(PlanText& text);
  CostPredictor::Prediction Predict();
  void CountWork(PassResult& result) const;
  void Answer(const at::Tensor& state, PassResult& result);
  void KeepAnswers(const PassResult& result);
  void KeepTaps();

  const PassTask& TaskOf(const Item& item) const { return texts_[item.text].tasks[item.task]; }
  bool IsAnswered(size_t text, size_t task) const { return answered_[first_task_[text] + task]; }
  size_t AdapterOf(const LoadedTask* task) const;

  const std::shared_ptr<const Encoder> encoder_;
  PassCaches& caches_;
  CostPredictor* const costs_;
  Planner planner_;
  Executor executor_;

  // Of one pass; reused by the next.
  absl::Span<const PassText> texts_;
  std::vector<size_t> first_task_;                 // [texts]
  std::vector<char> answered_;                     // of all (text, task): cached, or failed
  std::vector<std::pair<size_t, size_t>> hashes_;  // of texts, and the text
  std::vector<int64_t> next_same_;                 // [texts]; -1: none
  std::vector<char> is_first_;                     // [texts]: of its equals
  std::vector<Item> items_;                        // by SameTexts
  std::vector<SameTexts> same_texts_;
  std::vector<const TokenizedText*> plan_tokens_;  // [plan texts]
  std::vector<PlanText> plan_texts_;               // the first same_texts_.size() are in use
  std::vector<TextTaps> found_;                    // [plan texts]
  std::vector<const LoadedTask*> wanted_;
  std::vector<const LoadedTask*> tasks_;                     // sorted; a plan's adapter is an index
  std::vector<std::shared_ptr<const TaskWeights>> weights_;  // [tasks_], held during the pass
  std::vector<const Adapter*> adapters_;
  std::vector<int32_t> widths_;  // [tasks_]: D
  std::vector<KeptTap> kept_;
  PassAnswers answers_;
  std::vector<PassAnswers::Item> to_answer_;  // [items]
  std::vector<double> asked_at_least_;
  std::vector<int> pair_layers_;
  const PassPlan* plan_ = nullptr;
};

}  // namespace fathom
