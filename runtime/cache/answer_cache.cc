#include "runtime/cache/answer_cache.h"

#include <utility>

#include "absl/hash/hash.h"

namespace fathom {
namespace {

constexpr int64_t kMinShardBytes = int64_t{256} << 10;  // some hundred answers

}  // namespace

AnswerCache::AnswerCache(std::string_view fingerprint, int64_t max_bytes)
    : enabled_(max_bytes > 0),
      answers_(max_bytes, kMinShardBytes, Hash{.text_hash = {.seed = absl::HashOf(fingerprint)}}) {}

std::optional<std::vector<float>> AnswerCache::Find(const TokenizedText& text, uint64_t task_id,
                                                    int skip_layers, PassOutput output) {
  if (!enabled_) return std::nullopt;
  std::optional<Answer> found = answers_.Find(Question{text, task_id, skip_layers, output});
  (found ? hits_ : misses_).fetch_add(1, std::memory_order_relaxed);
  if (!found) return std::nullopt;
  return std::move(found->logits);
}

bool AnswerCache::Contains(const TokenizedText& text, uint64_t task_id, int skip_layers,
                           PassOutput output) const {
  return enabled_ && answers_.Contains(Question{text, task_id, skip_layers, output});
}

void AnswerCache::Insert(const TokenizedText& text, uint64_t task_id, int skip_layers,
                         absl::Span<const float> logits, PassOutput output) {
  if (!enabled_) return;
  answers_.Put(Question{text, task_id, skip_layers, output}, [&](const Answer*, int64_t /*room*/) {
    return Answer{.logits = {logits.begin(), logits.end()}};
  });
}

void AnswerCache::Clear() { answers_.Clear(); }

CacheCounts AnswerCache::counts() const {
  CacheCounts counts = answers_.counts();
  counts.hits = hits_.load(std::memory_order_relaxed);
  counts.misses = misses_.load(std::memory_order_relaxed);
  return counts;
}

size_t AnswerCache::Hash::operator()(const Question& question) const {
  return absl::HashOf(text_hash(question.text), question.task_id, question.skip_layers,
                      question.output);
}

bool AnswerCache::Equal::operator()(const Key& key, const Question& question) const {
  return key.task_id == question.task_id && key.skip_layers == question.skip_layers &&
         key.output == question.output && TextEqual()(key.text, question.text);
}

}  // namespace fathom
