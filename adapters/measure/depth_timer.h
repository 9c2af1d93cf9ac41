// TimeDepths: how long the serving passes of one text take at every skip depth.
#pragma once

#include <memory>
#include <vector>

#include "adapters/model/trainable_task.h"
#include "runtime/model/encoder.h"
#include "runtime/text/text.h"

namespace fathom::training {

struct DepthTime {
  double ms_one_task = 0;
  double ms_eight_tasks = 0;  // for all eight together
};

// One a depth, 0 … L. A pass is planned, executed and its heads are applied, without caches, at
// at::get_num_threads() threads. Eight tasks are eight copies of the task, each with weights of its
// own. Depths take turns in every round, so that a machine that slows down slows all of them; the
// median over the rounds counts. REQUIRES: rounds >= 1.
std::vector<DepthTime> TimeDepths(std::shared_ptr<const Encoder> encoder, const FrozenTask& task,
                                  const TokenizedText& text, int rounds);

}  // namespace fathom::training
