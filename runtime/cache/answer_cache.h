// AnswerCache: finished answers by (text, task, n) and what was asked of it, within a number of
// bytes. Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "runtime/cache/counts.h"
#include "runtime/cache/sharded_lru.h"
#include "runtime/cache/text_key.h"
#include "runtime/engine.h"
#include "runtime/text/text.h"

namespace fathom {

class AnswerCache {
 public:
  // `fingerprint` is the encoder's. max_bytes 0: off, then Find finds nothing and counts nothing.
  AnswerCache(std::string_view fingerprint, int64_t max_bytes);

  bool enabled() const { return enabled_; }

  // `task_id` is of one loaded version of a task and never used again for another; 0 is the raw
  // encoder.
  std::optional<std::vector<float>> Find(const TokenizedText& text, uint64_t task_id,
                                         int skip_layers, PassOutput output = PassOutput::kHead);
  // Whether Find would find it, without a trace: for predictions.
  bool Contains(const TokenizedText& text, uint64_t task_id, int skip_layers,
                PassOutput output = PassOutput::kHead) const;
  void Insert(const TokenizedText& text, uint64_t task_id, int skip_layers,
              absl::Span<const float> logits, PassOutput output = PassOutput::kHead);
  void Clear();

  // Entries are (text, task, n).
  CacheCounts counts() const;

 private:
  struct Question {
    const TokenizedText& text;
    uint64_t task_id;
    int skip_layers;
    PassOutput output = PassOutput::kHead;
  };
  struct Key {
    explicit Key(const Question& question)
        : text(question.text),
          task_id(question.task_id),
          skip_layers(question.skip_layers),
          output(question.output) {}
    int64_t bytes() const { return text.bytes(); }

    TextKey text;
    uint64_t task_id;
    int skip_layers;
    PassOutput output;
  };
  struct Answer {
    std::vector<float> logits;

    int64_t bytes() const { return static_cast<int64_t>(logits.capacity() * sizeof(float)); }
  };
  struct Hash {
    size_t operator()(const Question& question) const;

    TextHash text_hash;
  };
  struct Equal {
    bool operator()(const Key& key, const Question& question) const;
  };

  const bool enabled_;
  ShardedLru<Key, Answer, Hash, Equal> answers_;
  std::atomic<int64_t> hits_ = 0;
  std::atomic<int64_t> misses_ = 0;
};

}  // namespace fathom
