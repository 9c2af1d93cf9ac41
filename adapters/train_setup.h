// What follows from the options of fathom-train once its inputs are known.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "adapters/metrics.h"
#include "adapters/model/adapter_task.h"
#include "adapters/model/fusion_task.h"
#include "adapters/schedule/skip_schedule.h"
#include "adapters/train/training_loop.h"
#include "adapters/train_inputs.h"
#include "adapters/train_options.h"

namespace fathom::training {

struct TrainSetup {
  std::string name;  // of the adapter
  std::string architecture;
  std::string reduction_factor;  // the flag's, or the architecture's own; of a fusion empty
  std::variant<AdapterDesign, FusionDesign> design;
  SkipScheduleOptions skip;
  Metric metric = Metric::kAccuracy;
};

// INVALID_ARGUMENT names the flag that does not fit the encoder, the data or another flag.
absl::StatusOr<TrainSetup> MakeSetup(const TrainOptions& options, const TrainInputs& inputs);

// With its initial weights.
std::unique_ptr<TrainableTask> MakeTask(const TrainOptions& options, const TrainInputs& inputs,
                                        const TrainSetup& setup);

// What shapes the weights: kept in the checkpoint and, as the facts of the training, in the
// adapter.
absl::StatusOr<std::map<std::string, std::string>> MakeSettings(const TrainOptions& options,
                                                                const TrainInputs& inputs,
                                                                const TrainSetup& setup);

TrainingLoopOptions MakeLoopOptions(const TrainOptions& options, const TrainInputs& inputs,
                                    const TrainSetup& setup,
                                    const std::map<std::string, std::string>& settings);

}  // namespace fathom::training
