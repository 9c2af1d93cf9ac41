// The command line of fathom-train profile.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "adapters/command_line.h"
#include "adapters/data/dataset.h"
#include "adapters/metrics.h"

namespace fathom::training {

struct ProfileOptions {
  std::string encoder_dir;
  std::string task_dir;
  std::string data_file;
  ColumnNames columns;
  std::vector<std::string> labels;  // the data file's, by class index; empty: the head's own
  std::optional<Metric> metric;     // absent: the record's, or accuracy, or Spearman in regression
  int max_tokens = 128;             // and never more than the encoder's limit

  uint64_t seed = 1;        // of the bootstrap
  int timing_rounds = 7;    // 0: times are not measured
  std::string calibration;  // as EngineOptions::calibration_dir
  int threads = 0;          // 0: all cores
  bool dry_run = false;     // the folder is left as it is
  std::string json_file;    // empty: none
  std::string plot_file;    // .svg or .png; empty: none
  std::string python = "python3";
};

Parsed<ProfileOptions> ParseProfileOptions(int argc, const char* const* argv);

}  // namespace fathom::training
