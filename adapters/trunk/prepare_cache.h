// PrepareCache: from what a run needs and may use to a full StateCache, or to none.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "adapters/data/dataset.h"
#include "adapters/trunk/fill_cache.h"
#include "adapters/trunk/state_cache.h"
#include "runtime/model/encoder.h"
#include "runtime/task/profile.h"
#include "runtime/task/site.h"

namespace fathom::training {

struct StateNeeds {
  std::vector<Fork> forks;  // that the steps draw, each as likely as the others
  bool pairs = false;       // some fork reads f or x
};

// Of adapters of this layout that train at these n.
StateNeeds FindStateNeeds(const AdapterLayout& layout, SkipRange skip_layers);

struct StateCacheOptions {
  StateBudgets budgets;
  TapPrecision precision = TapPrecision::kFp32;
  std::string file_dir;    // where budgets.file_bytes are
  bool keep_file = false;  // everything lies in the file, which later runs read
  // How often training sees each text. Nothing is kept if the fill pass costs more than it saves.
  // 0: that does not matter.
  int64_t epochs = 0;
};

struct PreparedCache {
  std::shared_ptr<const StateCache> cache;  // null: nothing is worth keeping, or fits
  double fill_seconds = 0;                  // 0: read from a file
};

// A full disk is a warning, through `message`, and fewer depths. FAILED_PRECONDITION: the kept file
// is of another encoder, data set, precision or form. CANCELLED: stopped while filling; nothing is
// left of the file.
absl::StatusOr<PreparedCache> PrepareCache(const std::shared_ptr<const Encoder>& encoder,
                                           const Dataset& data, const StateNeeds& needs,
                                           const StateCacheOptions& options,
                                           const FillCallbacks& callbacks,
                                           const std::function<void(const std::string&)>& message);

}  // namespace fathom::training
