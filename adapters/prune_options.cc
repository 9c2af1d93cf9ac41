#include "adapters/prune_options.h"

#include "adapters/command_line_options.h"

namespace fathom::training {

Parsed<PruneOptions> ParsePruneOptions(int argc, const char* const* argv) {
  PruneOptions options;
  CLI::App app(
      "Keeps the adapters that a fusion uses most, layer by layer, by their mean attention weight.",
      "fathom-train prune");
  AddEncoder(app, options.encoder_dir);
  app.add_option("--task", options.task_dir, "folder of the fusion")
      ->required()
      ->check(CLI::ExistingDirectory);
  app.add_option("--train", options.train_file,
                 "rows that the fusion was trained on: the attention is averaged over them")
      ->required()
      ->check(CLI::ExistingFile);
  app.add_option("--output", options.output_dir, "folder to write the pruned fusion to")
      ->required();
  app.add_option("--keep", options.keep, "adapters a layer")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--json", options.json_file, "write the attention weights to this file");
  AddColumns(app, options.columns, options.max_tokens);
  AddThreads(app, options.threads);
  return Parse(app, options, argc, argv);
}

}  // namespace fathom::training
