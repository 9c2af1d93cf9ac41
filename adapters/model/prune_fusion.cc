#include "adapters/model/prune_fusion.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace fathom::training {
namespace {

// The members' weights in one layer, over its places; of absent ones 0.
std::vector<double> LayerWeights(const MemberWeights& weights, size_t layer, size_t members) {
  std::vector<double> sum(members, 0);
  for (const std::vector<double>& at_place : weights[layer]) {
    for (size_t i = 0; i < at_place.size(); ++i) sum[i] += at_place[i];
  }
  return sum;
}

int64_t LayersOf(const Adapter& member) {
  return std::count(member.layout.left_out.begin(), member.layout.left_out.end(), false);
}

// Drops members that stand nowhere, and puts the one that stands in most layers last.
void OrderMembers(Fusion& fusion) {
  std::vector<size_t> order;
  for (size_t i = 0; i < fusion.members.size(); ++i) {
    if (LayersOf(fusion.members[i]) > 0) order.push_back(i);
  }
  const auto widest = std::max_element(order.begin(), order.end(), [&](size_t a, size_t b) {
    return LayersOf(fusion.members[a]) < LayersOf(fusion.members[b]);
  });
  std::rotate(widest, widest + 1, order.end());
  std::vector<std::string> names;
  std::vector<Adapter> members;
  for (const size_t i : order) {
    names.push_back(std::move(fusion.member_names[i]));
    members.push_back(std::move(fusion.members[i]));
  }
  fusion.member_names = std::move(names);
  fusion.members = std::move(members);
}

}  // namespace

void LeaveOut(Adapter& adapter, size_t layer) {
  adapter.layout.left_out[layer] = true;
  for (std::optional<AdapterModule>& module : adapter.modules[layer]) module.reset();
}

absl::StatusOr<Fusion> PruneFusion(const Fusion& fusion, const MemberWeights& weights, int keep) {
  const size_t members = fusion.members.size();
  if (keep < 1 || static_cast<size_t>(keep) > members) {
    return absl::InvalidArgumentError(absl::StrCat("--keep ", keep, ": the fusion has ", members,
                                                   " adapters, keep 1 … ", members));
  }
  Fusion pruned = fusion;
  for (size_t layer = 0; layer < fusion.layers.size(); ++layer) {
    const std::vector<double> used = LayerWeights(weights, layer, members);
    std::vector<size_t> standing;
    for (size_t i = 0; i < members; ++i) {
      if (!fusion.members[i].layout.left_out[layer]) standing.push_back(i);
    }
    std::stable_sort(standing.begin(), standing.end(),
                     [&](size_t a, size_t b) { return used[a] > used[b]; });
    for (size_t rank = static_cast<size_t>(keep); rank < standing.size(); ++rank) {
      LeaveOut(pruned.members[standing[rank]], layer);
    }
  }
  OrderMembers(pruned);
  return pruned;
}

}  // namespace fathom::training
