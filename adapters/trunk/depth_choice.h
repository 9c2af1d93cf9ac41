// Which trunk states are worth keeping: a training step that forks at a place starts at the deepest
// kept state below it and runs only what lies between. Pure functions.
#pragma once

#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "runtime/task/site.h"

namespace fathom::training {

// Kept states stand at the FFN of their layer.
struct KeptDepths {
  std::vector<int> layers;    // of all rows, rising, below L−1
  bool last_cls_row = false;  // of layer L−1, whose other rows no head reads

  bool operator==(const KeptDepths&) const = default;
};

// The deepest kept layer whose state lies at or before `fork`; nothing: the embeddings.
std::optional<int> StartLayer(const KeptDepths& kept, int layers, Fork fork);

// Trunk layers that a step at `fork` runs from the embeddings. An attention is 1/3 of a layer, an
// FFN 2/3, their shares of its GEMMs; [CLS]-only work counts as whole layers.
double TrunkLayers(Fork fork);
// The same from the deepest kept state.
double TrunkLayersLeft(const KeptDepths& kept, int layers, Fork fork);
// Mean over forks that are drawn alike; of none 0.
double MeanTrunkLayers(absl::Span<const Fork> forks);
double MeanTrunkLayersLeft(const KeptDepths& kept, int layers, absl::Span<const Fork> forks);

// The at most `count` layers that leave the fewest trunk layers to a step, by dynamic programming;
// none that saves nothing. Of equal choices, the shallowest. `forks`: those of the n that training
// draws, each as likely as the others. `last_cls_row` is kept or not; it is not chosen here.
KeptDepths ChooseDepths(int layers, absl::Span<const Fork> forks, int count, bool last_cls_row);

}  // namespace fathom::training
