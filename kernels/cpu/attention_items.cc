#include "kernels/cpu/attention_items.h"

#include <algorithm>

namespace fathom::kernels {
namespace {

// Long spans share one packed copy of the values; short ones let many threads work on few texts.
constexpr int64_t kLongestSpan = 128;
constexpr int64_t kShortestSpan = 32;
constexpr int64_t kItemsPerThread = 4;

// Fewer multiply-adds than this take less time than waking another thread.
constexpr int64_t kSerialMultiplyAdds = 500'000;

}  // namespace

AttentionItem AttentionItems::At(const RaggedAttention& call, int64_t index) const {
  const int64_t segment_head = index / spans;
  const AttentionSegment& segment = call.segments[segment_head / call.heads];
  const int64_t first_query = index % spans * span_queries;
  return {segment, segment_head % call.heads, first_query,
          std::min(span_queries, segment.count - first_query)};
}

AttentionItems CutIntoItems(const RaggedAttention& call, int threads) {
  int64_t longest = 0;
  for (int64_t i = 0; i < call.segment_count; ++i) {
    longest = std::max(longest, call.segments[i].count);
  }
  AttentionItems items{};
  for (items.span_queries = kLongestSpan;; items.span_queries /= 2) {
    items.spans = (longest + items.span_queries - 1) / items.span_queries;
    items.count = call.segment_count * call.heads * items.spans;
    const bool enough = threads == 1 || items.count >= kItemsPerThread * threads;
    if (enough || items.span_queries == kShortestSpan) return items;
  }
}

int UsefulThreads(const RaggedAttention& call, int threads) {
  int64_t token_pairs = 0;
  for (int64_t i = 0; i < call.segment_count; ++i) {
    token_pairs += call.segments[i].count * call.segments[i].count;
  }
  const int64_t multiply_adds = 2 * token_pairs * call.heads * call.head_size;
  return multiply_adds < kSerialMultiplyAdds ? 1 : threads;
}

}  // namespace fathom::kernels
