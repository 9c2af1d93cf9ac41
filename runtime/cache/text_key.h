// TextKey: what makes two texts the same to an encoder, its token ids and segment ids, all of them.
// TextHash and TextEqual look a TextKey up by a TokenizedText, without a copy of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/hash/hash.h"
#include "absl/types/span.h"
#include "runtime/text/text.h"

namespace fathom {

class TextKey {
 public:
  explicit TextKey(const TokenizedText& text) {
    values_.reserve(text.ids.size() + text.segment_ids.size());
    values_.insert(values_.end(), text.ids.begin(), text.ids.end());
    values_.insert(values_.end(), text.segment_ids.begin(), text.segment_ids.end());
  }

  absl::Span<const int32_t> ids() const { return all().first(all().size() / 2); }
  absl::Span<const int32_t> segment_ids() const { return all().subspan(all().size() / 2); }

  // Of its own allocation; the TextKey itself is part of what holds it.
  int64_t bytes() const { return static_cast<int64_t>(values_.capacity() * sizeof(int32_t)); }

 private:
  absl::Span<const int32_t> all() const { return values_; }

  std::vector<int32_t> values_;  // ids, then as many segment ids
};

// `seed` keeps the keys of different encoders apart: take it from the encoder's fingerprint.
struct TextHash {
  size_t seed = 0;

  template <typename Text>  // TextKey or TokenizedText
  size_t operator()(const Text& text) const {
    return absl::HashOf(seed, Ids(text), SegmentIds(text));
  }

 private:
  static absl::Span<const int32_t> Ids(const TextKey& key) { return key.ids(); }
  static absl::Span<const int32_t> Ids(const TokenizedText& text) { return text.ids; }
  static absl::Span<const int32_t> SegmentIds(const TextKey& key) { return key.segment_ids(); }
  static absl::Span<const int32_t> SegmentIds(const TokenizedText& text) {
    return text.segment_ids;
  }
};

struct TextEqual {
  bool operator()(const TokenizedText& a, const TokenizedText& b) const {
    return a.ids == b.ids && a.segment_ids == b.segment_ids;
  }
  bool operator()(const TextKey& a, const TokenizedText& b) const {
    return a.ids() == absl::MakeConstSpan(b.ids) &&
           a.segment_ids() == absl::MakeConstSpan(b.segment_ids);
  }
};

}  // namespace fathom
