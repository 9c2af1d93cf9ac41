// How the work of one attention call is cut into items that one thread computes. Pure functions.
#pragma once

#include <cstdint>

#include "kernels/kernels.h"

namespace fathom::kernels {

// Queries [first_query, first_query + query_count) of one head of one text, first_query counted
// from the start of the text. No queries where query_count <= 0.
struct AttentionItem {
  AttentionSegment segment;
  int64_t head;
  int64_t first_query;
  int64_t query_count;
};

// Every head of every segment has as many spans of queries as the longest segment needs; those past
// the end of a shorter one are items without queries. Items that follow each other share a text.
struct AttentionItems {
  int64_t spans;         // a head of a segment
  int64_t span_queries;  // the most queries of an item
  int64_t count;         // of items

  AttentionItem At(const RaggedAttention& call, int64_t index) const;
};

// Enough items to keep `threads` threads busy, or as many as are worth their overhead.
AttentionItems CutIntoItems(const RaggedAttention& call, int threads);

// How many of the threads that the call may use are worth waking.
int UsefulThreads(const RaggedAttention& call, int threads);

}  // namespace fathom::kernels
