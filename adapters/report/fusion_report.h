// How much a fusion uses its adapters, and which of them pruning kept.
#pragma once

#include <string>
#include <vector>

#include "adapters/model/attention_meter.h"
#include "runtime/task/fusion.h"

namespace fathom::training {

// A table: a line a layer, a column an adapter, its mean attention weight, marked where it was
// kept. `pruned` may have its members in another order, or fewer.
std::string FormatKept(const std::vector<std::string>& members, const MemberWeights& weights,
                       const Fusion& pruned);

// {"tasks": {task: {"fusion_attention": {member: [weight by layer]}}}}, with a line end. Of two
// places in a layer, the mean; 0 where the member does not stand.
std::string FormatAttentionJson(const std::string& task, const std::vector<std::string>& members,
                                const MemberWeights& weights);

}  // namespace fathom::training
