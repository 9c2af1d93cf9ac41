#include "adapters/trunk/depth_choice.h"

#include <algorithm>
#include <cstdint>

namespace fathom::training {
namespace {

constexpr int kThirds = 3;  // of a layer: 1 its attention, 2 its FFN
constexpr int kEmbeddings = -1;

bool Reaches(int layer, Fork fork) { return Fork{layer, Place::kFfn} <= fork; }

// From the state at the FFN of `start`, at or before the fork (kEmbeddings: from the embeddings).
int64_t ThirdsBetween(int start, Fork fork) {
  if (start == fork.layer) return 0;
  const int last_layer = fork.place == Place::kAttention ? 1 : kThirds;
  return (fork.layer - start - 1) * kThirds + last_layer;
}

// What the forks cost that start at `start` because the next kept state is at `next`.
int64_t ThirdsOfGap(absl::Span<const Fork> forks, int start, int next) {
  int64_t thirds = 0;
  for (const Fork fork : forks) {
    const bool above_start = start == kEmbeddings || Reaches(start, fork);
    if (above_start && !Reaches(next, fork)) thirds += ThirdsBetween(start, fork);
  }
  return thirds;
}

}  // namespace

std::optional<int> StartLayer(const KeptDepths& kept, int layers, Fork fork) {
  if (kept.last_cls_row && Reaches(layers - 1, fork)) return layers - 1;
  std::optional<int> deepest;
  for (const int layer : kept.layers) {
    if (Reaches(layer, fork)) deepest = layer;
  }
  return deepest;
}

double TrunkLayers(Fork fork) {
  return static_cast<double>(ThirdsBetween(kEmbeddings, fork)) / kThirds;
}

double TrunkLayersLeft(const KeptDepths& kept, int layers, Fork fork) {
  const int start = StartLayer(kept, layers, fork).value_or(kEmbeddings);
  return static_cast<double>(ThirdsBetween(start, fork)) / kThirds;
}

double MeanTrunkLayers(absl::Span<const Fork> forks) {
  return MeanTrunkLayersLeft({}, /*layers=*/0, forks);
}

double MeanTrunkLayersLeft(const KeptDepths& kept, int layers, absl::Span<const Fork> forks) {
  if (forks.empty()) return 0;
  double sum = 0;
  for (const Fork fork : forks) sum += TrunkLayersLeft(kept, layers, fork);
  return sum / static_cast<double>(forks.size());
}

// best[m][c]: the least cost of the forks from layer c up, where c is kept and at most m more are.
KeptDepths ChooseDepths(int layers, absl::Span<const Fork> forks, int count, bool last_cls_row) {
  const int end = last_cls_row ? layers - 1 : layers;  // what is above needs no other state
  const int candidates = layers - 1;                   // 0 … L−2
  const int most = std::clamp(count, 0, candidates);
  const auto at = [](int layer) { return static_cast<size_t>(layer + 1); };  // kEmbeddings first
  struct Choice {
    int64_t thirds = 0;
    int next = 0;  // the next kept layer; `end`: none
  };
  std::vector<std::vector<Choice>> best(static_cast<size_t>(most) + 1,
                                        std::vector<Choice>(at(candidates)));
  for (int start = kEmbeddings; start < candidates; ++start) {
    best[0][at(start)] = {ThirdsOfGap(forks, start, end), end};
  }
  for (size_t more = 1; more < best.size(); ++more) {
    for (int start = kEmbeddings; start < candidates; ++start) {
      Choice& choice = best[more][at(start)];
      choice = best[0][at(start)];
      for (int next = start + 1; next < candidates; ++next) {
        const int64_t thirds = ThirdsOfGap(forks, start, next) + best[more - 1][at(next)].thirds;
        if (thirds < choice.thirds) choice = {thirds, next};
      }
    }
  }
  KeptDepths kept{.last_cls_row = last_cls_row};
  int start = kEmbeddings;
  size_t more = best.size() - 1;
  while (more > 0 && best[more - 1][at(start)].thirds == best[more][at(start)].thirds) --more;
  for (; best[more][at(start)].next != end; --more) {
    start = best[more][at(start)].next;
    kept.layers.push_back(start);
  }
  return kept;
}

}  // namespace fathom::training
