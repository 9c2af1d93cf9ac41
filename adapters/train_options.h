// The command line of fathom-train.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "adapters/command_line.h"
#include "adapters/data/dataset.h"
#include "adapters/metrics.h"
#include "adapters/model/dropout.h"
#include "adapters/schedule/selection.h"
#include "adapters/schedule/skip_schedule.h"
#include "runtime/cache/tap.h"
#include "runtime/engine.h"
#include "runtime/task/activation.h"
#include "runtime/task/format/adapter_folder.h"

namespace fathom::training {

struct TrainOptions {
  std::vector<std::string> fused_adapters;  // folders; not empty: a fusion of them is trained
  std::string encoder_dir;
  std::string train_file;
  std::string dev_file;
  std::string profile_file;  // rows that the profile is measured on; empty: the dev rows
  std::string output_dir;
  std::string name;  // of the adapter; empty: the output folder's name

  Method method = Method::kRobust;
  std::optional<int> skip_layers;  // n of specialized, last and random
  std::string architecture = "pfeiffer";
  std::string reduction_factor;          // see BottleneckWidths; empty: the architecture's own
  std::optional<Activation> activation;  // absent: the architecture's own
  std::optional<double> scaling;         // absent: the architecture's own
  bool share_across_layers = false;      // one module a place for all layers

  ColumnNames columns;
  std::optional<TaskType> task_type;  // absent: by the label column's name
  std::optional<Metric> metric;       // absent: accuracy, or Spearman in regression
  int max_tokens = 128;               // and never more than the encoder's limit

  std::optional<double> learning_rate;  // absent: the method's own
  int batch_size = 32;
  int epochs = 5;
  int64_t dev_every_steps = 0;  // 0: each epoch
  SelectionRule select_by;
  int early_stopping = 0;   // evaluations without a better score that end training; 0: off
  bool state_cache = true;  // trunk states are kept
  std::optional<int64_t> state_cache_bytes;  // in memory; absent: half of what is available, and
                                             // only where that saves time
  TapPrecision state_precision = TapPrecision::kFp32;
  std::string state_cache_dir;  // beyond the memory; empty: no file
  int64_t state_cache_file_mb = 16384;
  bool keep_state_cache = false;          // all in the file, for later runs
  std::optional<double> encoder_dropout;  // its rate; absent: the encoder's config
  DropoutPlaces dropout_places = DropoutPlaces::kBranch;
  uint64_t seed = 1;
  std::vector<uint64_t> seeds;  // of several runs, all different; empty: one run with `seed`
  WeightDtype weight_dtype = WeightDtype::kFp32;
  Precision precision = Precision::kFp32;  // of the frozen layers; what is trained is fp32
  int threads = 0;                         // 0: all cores
  bool resume = false;
  std::string log_file;  // JSON lines; empty: none
};

// The one given, or the method's usual one: 2e-5 for full fine-tuning, 1e-4 for adapters.
double LearningRate(const TrainOptions& options);

using ParsedCommandLine = Parsed<TrainOptions>;
ParsedCommandLine ParseCommandLine(int argc, const char* const* argv);
// Of fathom-train fuse: the same, with the adapters to fuse in place of an architecture.
ParsedCommandLine ParseFuseOptions(int argc, const char* const* argv);

}  // namespace fathom::training
