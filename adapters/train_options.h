// The command line of fathom-train.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "adapters/data/dataset.h"
#include "adapters/metrics.h"
#include "adapters/schedule/skip_schedule.h"
#include "runtime/task/format/adapter_folder.h"

namespace fathom::training {

struct TrainOptions {
  std::string encoder_dir;
  std::string train_file;
  std::string dev_file;
  std::string output_dir;
  std::string name;  // of the adapter; empty: the output folder's name

  Method method = Method::kRobust;
  std::optional<int> skip_layers;  // n of the specialized method
  std::string architecture = "pfeiffer";
  std::optional<double> reduction_factor;  // absent: the architecture's own

  ColumnNames columns;
  std::optional<TaskType> task_type;  // absent: by the label column's name
  std::optional<Metric> metric;       // absent: accuracy, or Spearman in regression
  int max_tokens = 128;               // and never more than the encoder's limit

  double learning_rate = 1e-4;
  int batch_size = 32;
  int epochs = 5;
  int64_t dev_every_steps = 0;            // 0: each epoch
  std::optional<double> encoder_dropout;  // above the fork; absent: the encoder's config
  uint64_t seed = 1;
  WeightDtype weight_dtype = WeightDtype::kFp32;
  int threads = 0;  // 0: all cores
  bool resume = false;
  std::string log_file;  // JSON lines; empty: none
};

// What a parse ends with: options to run, or a text to print (help, or an error) and an exit code.
struct ParsedCommandLine {
  std::optional<TrainOptions> options;
  std::string text;
  int exit_code = 0;
};

ParsedCommandLine ParseCommandLine(int argc, const char* const* argv);

}  // namespace fathom::training
