#include "adapters/profile_options.h"

#include "adapters/command_line_options.h"

namespace fathom::training {
namespace {

void AddInputs(CLI::App& app, ProfileOptions& options) {
  AddEncoder(app, options.encoder_dir);
  app.add_option("--task", options.task_dir, "folder of the adapter and its head")
      ->required()
      ->check(CLI::ExistingDirectory);
  app.add_option("--data,--profile-file", options.data_file,
                 "rows to measure on, best those that did not choose the weights")
      ->required()
      ->check(CLI::ExistingFile);
  AddColumns(app, options.columns, options.max_tokens);
  app.add_option("--labels", options.labels,
                 "the file's labels in the order of the head's classes (default: the head's names)")
      ->delimiter(',');
  AddMetric(app, options.metric)
      ->description("default: the record's; without one accuracy, or spearman in regression");
}

void AddMeasuring(CLI::App& app, ProfileOptions& options) {
  app.add_option("--seed", options.seed, "of the bootstrap")->capture_default_str();
  app.add_option("--timing-rounds", options.timing_rounds, "0: times are not measured")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  app.add_option("--calibration-dir", options.calibration,
                 "as of fathom-server; off: GEMMs are not calibrated");
  AddThreads(app, options.threads);
}

void AddOutputs(CLI::App& app, ProfileOptions& options) {
  app.add_flag("--dry-run", options.dry_run, "do not write the profile into the task's folder");
  app.add_option("--json", options.json_file, "also write the profile to this file");
  app.add_option("--plot", options.plot_file, "draw the curve, .svg or .png (needs matplotlib)");
  app.add_option("--python", options.python, "that has matplotlib")->capture_default_str();
}

}  // namespace

Parsed<ProfileOptions> ParseProfileOptions(int argc, const char* const* argv) {
  ProfileOptions options;
  CLI::App app("Measures a task at every skip depth and writes its depth profile.",
               "fathom-train profile");
  AddInputs(app, options);
  AddMeasuring(app, options);
  AddOutputs(app, options);
  return Parse(app, options, argc, argv);
}

}  // namespace fathom::training
