// KernelTable::ragged_attention for CPUs.
//
// One thread takes a span of queries of one head of one text at a time. It turns them into columns,
// so that a vector holds one score of many queries: the scores are multiply-adds of whole vectors
// over the keys as they lie in memory, and softmax needs no sum across a vector.
#pragma once

#include "kernels/kernels.h"

namespace fathom::kernels {

void CpuRaggedAttention(const RaggedAttention& call, int threads);

}  // namespace fathom::kernels
