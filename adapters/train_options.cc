#include "adapters/train_options.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"

namespace fathom::training {
namespace {

// Names on the command line that stand for values; CLI11 lists them in help and errors.
const std::map<std::string, Method> kMethods = {{"standard", Method::kStandard},
                                                {"specialized", Method::kSpecialized},
                                                {"robust", Method::kRobust}};
const std::map<std::string, TaskType> kTaskTypes = {{"classification", TaskType::kClassification},
                                                    {"regression", TaskType::kRegression}};
const std::map<std::string, Metric> kMetrics = {
    {"accuracy", Metric::kAccuracy}, {"f1", Metric::kF1},
    {"macro_f1", Metric::kMacroF1},  {"matthews", Metric::kMatthews},
    {"pearson", Metric::kPearson},   {"spearman", Metric::kSpearman}};
const std::map<std::string, WeightDtype> kDtypes = {{"fp32", WeightDtype::kFp32},
                                                    {"fp16", WeightDtype::kFp16}};

// An option whose value is one of `choices`, by name.
template <typename T, typename Target>
CLI::Option* AddChoice(CLI::App& app, const std::string& flag, Target& target,
                       const std::map<std::string, T>& choices) {
  std::vector<std::string> names;
  for (const auto& [name, value] : choices) names.push_back(name);
  return app
      .add_option_function<std::string>(
          flag, [&target, &choices](const std::string& name) { target = choices.at(name); })
      ->check(CLI::IsMember(names))
      ->option_text(absl::StrJoin(names, "|"));
}

void AddFiles(CLI::App& app, TrainOptions& options) {
  app.add_option("--encoder", options.encoder_dir,
                 "Hugging Face folder: config.json, model.safetensors, tokenizer.json")
      ->required()
      ->check(CLI::ExistingDirectory);
  app.add_option("--train", options.train_file, "training rows, .tsv or .csv with a header")
      ->required()
      ->check(CLI::ExistingFile);
  app.add_option("--dev", options.dev_file, "rows that choose the weights and give the profile")
      ->required()
      ->check(CLI::ExistingFile);
  app.add_option("--output", options.output_dir, "folder to write the adapter to")->required();
  app.add_option("--name", options.name, "name of the adapter (default: the output folder's)");
  app.add_option("--log", options.log_file,
                 "append each step's n and loss and each dev score to this file, as JSON lines");
  app.add_flag("--resume", options.resume, "go on from OUTPUT.checkpoint");
}

void AddMethod(CLI::App& app, TrainOptions& options) {
  AddChoice(app, "--method", options.method, kMethods)
      ->description("how n is chosen at each step (default: robust, n drawn at random)");
  app.add_option("--skip-layers", options.skip_layers, "n of --method specialized")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--architecture", options.architecture, "kind of adapter (default: pfeiffer)")
      ->check(CLI::IsMember({"pfeiffer", "houlsby", "parallel"}))
      ->option_text("pfeiffer|houlsby|parallel");
  app.add_option("--reduction-factor", options.reduction_factor,
                 "encoder width / bottleneck width (default: 16, parallel 2)")
      ->check(CLI::PositiveNumber);
}

void AddData(CLI::App& app, TrainOptions& options) {
  app.add_option("--text-column", options.columns.text,
                 "column of the text (default: sentence, sentence1 or text)");
  app.add_option("--pair-column", options.columns.pair,
                 "column of the second text (default: sentence2 if there is one)");
  app.add_option("--label-column", options.columns.label,
                 "column of the label (default: label, category or score)");
  AddChoice(app, "--task-type", options.task_type, kTaskTypes)
      ->description("default: regression if the label column is named score");
  AddChoice(app, "--metric", options.metric, kMetrics)
      ->description("dev metric (default: accuracy; regression: spearman)");
  app.add_option("--max-tokens", options.max_tokens, "longer texts are truncated")
      ->check(CLI::Range(4, 1 << 20))
      ->capture_default_str();
}

void AddTraining(CLI::App& app, TrainOptions& options) {
  app.add_option("--learning-rate", options.learning_rate,
                 "peak, after 6 % of the steps; it then falls to 0")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--batch-size", options.batch_size, "texts an optimizer step")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--epochs", options.epochs, "passes over the training rows")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--dev-every", options.dev_every_steps,
                 "steps between dev evaluations (0: each epoch)")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--encoder-dropout", options.encoder_dropout,
                 "dropout in the layers above n, or off (default: the encoder's config)")
      ->transform(CLI::Transformer(std::map<std::string, std::string>{{"off", "0"}}))
      ->check(CLI::Range(0.0, 0.9))
      ->option_text("SHARE|off");
  app.add_option("--seed", options.seed, "of weights, order, n and dropout")->capture_default_str();
  AddChoice(app, "--weight-dtype", options.weight_dtype, kDtypes)
      ->description("of the files written (default: fp32)");
  app.add_option("--threads", options.threads, "0: all cores")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
}

}  // namespace

ParsedCommandLine ParseCommandLine(int argc, const char* const* argv) {
  TrainOptions options;
  CLI::App app("Trains an adapter for one task on a frozen encoder and measures it at every depth.",
               "fathom-train");
  AddFiles(app, options);
  AddMethod(app, options);
  AddData(app, options);
  AddTraining(app, options);
  ParsedCommandLine parsed;
  try {
    app.parse(argc, argv);
    parsed.options = options;
  } catch (const CLI::ParseError& error) {
    std::ostringstream text;
    parsed.exit_code = app.exit(error, text, text);
    parsed.text = text.str();
  }
  return parsed;
}

}  // namespace fathom::training
