// KernelTable::cls_attention for CPUs.
//
// Three steps, each shared out among the threads by itself: the queries absorb W_K, a head and some
// columns at a time; a thread attends with some heads of one text, so that the text's rows are read
// once for all of them; then W_V, a head and some of its outputs at a time.
#pragma once

#include "kernels/kernels.h"

namespace fathom::kernels {

void CpuClsAttention(const ClsAttention& call, int threads);

}  // namespace fathom::kernels
