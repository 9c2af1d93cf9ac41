#include "adapters/train_options.h"

#include <set>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "adapters/command_line_options.h"

namespace fathom::training {
namespace {

// Names on the command line that stand for values; CLI11 lists them in help and errors.
const std::map<std::string, Method> kMethods = {
    {"standard", Method::kStandard}, {"specialized", Method::kSpecialized},
    {"robust", Method::kRobust},     {"last", Method::kLast},
    {"random", Method::kRandom},     {"full", Method::kFull}};
const std::map<std::string, TaskType> kTaskTypes = {{"classification", TaskType::kClassification},
                                                    {"regression", TaskType::kRegression}};
const std::map<std::string, WeightDtype> kDtypes = {{"fp32", WeightDtype::kFp32},
                                                    {"fp16", WeightDtype::kFp16}};
const std::map<std::string, TapPrecision> kStatePrecisions = {{"fp32", TapPrecision::kFp32},
                                                              {"bf16", TapPrecision::kBf16}};
const std::map<std::string, Precision> kPrecisions = {{"fp32", Precision::kFp32},
                                                      {"bf16", Precision::kBf16}};
constexpr double kAdapterLearningRate = 1e-4;
constexpr double kFullLearningRate = 2e-5;
constexpr double kFusionLearningRate = 5e-5;

// Those that the `adapters` library has too, by the names that it writes.
std::map<std::string, Activation> Activations() {
  std::map<std::string, Activation> activations;
  for (const Activation activation :
       {Activation::kIdentity, Activation::kRelu, Activation::kGelu, Activation::kGeluTanh,
        Activation::kSilu, Activation::kTanh, Activation::kSigmoid, Activation::kLeakyRelu}) {
    activations[std::string(ActivationName(activation))] = activation;
  }
  return activations;
}

bool HasRepeats(const std::vector<uint64_t>& seeds) {
  return std::set<uint64_t>(seeds.begin(), seeds.end()).size() < seeds.size();
}

std::string CheckSelectionRule(const std::string& text) {
  return ParseSelectionRule(text) ? "" : "expected mean, worst or n=K, got " + text;
}

// branch, everywhere, off, or a rate for the branch.
void SetDropout(const std::string& text, TrainOptions& options) {
  if (text == "branch") return;
  if (text == "everywhere") {
    options.dropout_places = DropoutPlaces::kEverywhere;
    return;
  }
  double rate = 0;
  if (text != "off" && (!absl::SimpleAtod(text, &rate) || !(rate >= 0 && rate <= 0.9))) {
    throw CLI::ValidationError("--encoder-dropout",
                               "branch, everywhere, off or a rate of 0 to 0.9, not " + text);
  }
  options.encoder_dropout = rate;
}

void AddFiles(CLI::App& app, TrainOptions& options) {
  AddEncoder(app, options.encoder_dir);
  app.add_option("--train", options.train_file, "training rows, .tsv or .csv with a header")
      ->required()
      ->check(CLI::ExistingFile);
  app.add_option("--dev", options.dev_file, "rows that choose the weights and give the profile")
      ->required()
      ->check(CLI::ExistingFile);
  app.add_option(
         "--profile-file", options.profile_file,
         "rows to measure the profile on, which did not choose the weights (default: --dev)")
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
  app.add_option("--skip-layers", options.skip_layers, "n of --method specialized, last and random")
      ->check(CLI::NonNegativeNumber);
}

void AddArchitecture(CLI::App& app, TrainOptions& options) {
  app.add_option("--architecture", options.architecture, "kind of adapter (default: pfeiffer)")
      ->check(CLI::IsMember({"pfeiffer", "houlsby", "parallel"}))
      ->option_text("pfeiffer|houlsby|parallel");
  app.add_option("--reduction-factor", options.reduction_factor,
                 "encoder width / bottleneck width: 16, or by layer 0=8,11=4,default=16 "
                 "(default: 16, parallel 2)");
  static const std::map<std::string, Activation> kActivations = Activations();
  AddChoice(app, "--activation", options.activation, kActivations)
      ->description("inside the bottleneck (default: relu, houlsby swish)");
  app.add_option("--scaling", options.scaling, "of what the adapter adds (default: 1, parallel 4)");
  app.add_flag("--share-across-layers", options.share_across_layers,
               "one set of weights for all layers");
}

void AddData(CLI::App& app, TrainOptions& options) {
  AddColumns(app, options.columns, options.max_tokens);
  AddChoice(app, "--task-type", options.task_type, kTaskTypes)
      ->description("default: regression if the label column is named score");
  AddMetric(app, options.metric)
      ->description("dev metric (default: accuracy; regression: spearman)");
}

void AddTraining(CLI::App& app, TrainOptions& options) {
  app.add_option("--learning-rate", options.learning_rate,
                 "peak, after 6 % of the steps; it then falls to 0 (default: 1e-4, full 2e-5, a "
                 "fusion 5e-5)")
      ->check(CLI::PositiveNumber);
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
  app.add_option_function<std::string>(
         "--select-by",
         [&options](const std::string& text) { options.select_by = *ParseSelectionRule(text); },
         "dev score that keeps the weights: the mean or the worst over n = 0, L/4, L/2, 3L/4, or "
         "at one n (default: mean; not robust: at the trained n)")
      ->check(CheckSelectionRule)
      ->option_text("mean|worst|n=K");
  app.add_option("--early-stopping", options.early_stopping,
                 "evaluations without a better score that end training (0: off)")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option_function<std::string>(
         "--encoder-dropout", [&options](const std::string& text) { SetDropout(text, options); },
         "dropout in the layers above n (default: branch, at the rates of the encoder's config), "
         "in the embeddings and all layers, or nowhere; a number is a rate for the branch")
      ->option_text("branch|everywhere|off|RATE");
  AddChoice(app, "--precision", options.precision, kPrecisions)
      ->description("of the frozen layers' products (default: fp32)");
  CLI::Option* seed = app.add_option("--seed", options.seed, "of weights, order, n and dropout")
                          ->capture_default_str();
  app.add_option("--seeds", options.seeds,
                 "several runs, into OUTPUT/seed-1 …, and their mean: 1,2,3")
      ->delimiter(',')
      ->excludes(seed);
  AddChoice(app, "--weight-dtype", options.weight_dtype, kDtypes)
      ->description("of the files written (default: fp32)");
  AddThreads(app, options.threads);
}

// "2G" to bytes; leaves the words alone. The error, or nothing.
std::string ToBytes(std::string& value) {
  if (value == "off" || value == "auto") return "";
  if (value.starts_with('-')) return "a size is not negative";
  return CLI::AsSizeValue(/*kb_is_1000=*/false)(value);
}

void AddStateCache(CLI::App& app, TrainOptions& options) {
  app.add_option_function<std::string>(
         "--state-cache",
         [&options](const std::string& value) {
           options.state_cache = value != "off";
           options.state_cache_bytes.reset();
           if (options.state_cache && value != "auto") {
             options.state_cache_bytes = static_cast<int64_t>(std::stoull(value));
           }
         },
         "memory for the states of layers without adapters, which are then computed once (default: "
         "auto, half of what is free, if that saves time)")
      ->transform(CLI::Validator(ToBytes, "off|auto|SIZE"))
      ->option_text("off|auto|SIZE");
  AddChoice(app, "--state-precision", options.state_precision, kStatePrecisions)
      ->description("of kept states (default: fp32)");
  CLI::Option* dir = app.add_option("--state-cache-dir", options.state_cache_dir,
                                    "folder for a file of states that memory has no room for");
  app.add_option("--state-cache-file-mb", options.state_cache_file_mb, "limit of that file")
      ->check(CLI::Range(1, 1 << 30))
      ->capture_default_str();
  app.add_flag("--keep-state-cache", options.keep_state_cache,
               "all states lie in the file, for later runs on the same data")
      ->needs(dir);
}

ParsedCommandLine ParseTraining(CLI::App& app, const TrainOptions& options, int argc,
                                const char* const* argv) {
  ParsedCommandLine parsed = Parse(app, options, argc, argv);
  if (parsed.options && HasRepeats(parsed.options->seeds)) {
    return {.options = std::nullopt, .text = "--seeds: a seed is named twice\n", .exit_code = 1};
  }
  return parsed;
}

}  // namespace

double LearningRate(const TrainOptions& options) {
  double usual = kAdapterLearningRate;
  if (options.method == Method::kFull) usual = kFullLearningRate;
  if (!options.fused_adapters.empty()) usual = kFusionLearningRate;
  return options.learning_rate.value_or(usual);
}

ParsedCommandLine ParseCommandLine(int argc, const char* const* argv) {
  TrainOptions options;
  CLI::App app("Trains an adapter for one task on a frozen encoder and measures it at every depth.",
               "fathom-train");
  AddFiles(app, options);
  AddMethod(app, options);
  AddArchitecture(app, options);
  AddData(app, options);
  AddTraining(app, options);
  AddStateCache(app, options);
  app.footer("Subcommands: fathom-train fuse|prune|profile --help.");
  return ParseTraining(app, options, argc, argv);
}

ParsedCommandLine ParseFuseOptions(int argc, const char* const* argv) {
  TrainOptions options;
  CLI::App app(
      "Trains an AdapterFusion of trained adapters for one task and measures it at every depth.",
      "fathom-train fuse");
  app.add_option("--adapters", options.fused_adapters,
                 "folders of the adapters to fuse, two or more: a,b,c")
      ->required()
      ->delimiter(',');
  AddFiles(app, options);
  AddMethod(app, options);
  AddData(app, options);
  AddTraining(app, options);
  AddStateCache(app, options);
  return ParseTraining(app, options, argc, argv);
}

}  // namespace fathom::training
