// The command line of fathom-train prune.
#pragma once

#include <string>

#include "adapters/command_line.h"
#include "adapters/data/dataset.h"

namespace fathom::training {

struct PruneOptions {
  std::string encoder_dir;
  std::string task_dir;    // the fusion
  std::string train_file;  // rows that the attention is averaged over
  std::string output_dir;
  int keep = 2;  // adapters a layer
  ColumnNames columns;
  int max_tokens = 128;
  int threads = 0;        // 0: all cores
  std::string json_file;  // empty: none
};

Parsed<PruneOptions> ParsePruneOptions(int argc, const char* const* argv);

}  // namespace fathom::training
