#include "adapters/train_task.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "adapters/model/adapter_name.h"
#include "adapters/model/adapter_task.h"
#include "adapters/model/architecture.h"
#include "adapters/report/curve.h"
#include "adapters/train/training_loop.h"
#include "adapters/train_inputs.h"

namespace fathom::training {
namespace {

namespace fs = std::filesystem;

// What follows from the options once the inputs are known.
struct Setup {
  std::string name;
  Architecture architecture;
  SkipScheduleOptions skip;
  Metric metric = Metric::kAccuracy;
};

absl::StatusOr<SkipScheduleOptions> MakeSkip(const TrainOptions& options, int layers) {
  const bool specialized = options.method == Method::kSpecialized;
  if (specialized != options.skip_layers.has_value()) {
    return absl::InvalidArgumentError(specialized
                                          ? "--method specialized needs --skip-layers n"
                                          : "--skip-layers is for --method specialized only");
  }
  if (specialized && *options.skip_layers >= layers) {
    return absl::InvalidArgumentError(absl::StrCat("--skip-layers ", *options.skip_layers,
                                                   ": the encoder has ", layers,
                                                   " layers, so n is 0 … ", layers - 1));
  }
  return SkipScheduleOptions{.method = options.method,
                             .layers = layers,
                             .specialized_depth = options.skip_layers.value_or(0),
                             .seed = options.seed};
}

absl::StatusOr<Setup> MakeSetup(const TrainOptions& options, const TrainInputs& inputs) {
  const int layers = inputs.encoder->config().layers;
  Setup setup;
  setup.name = options.name.empty() ? FolderName(options.output_dir) : options.name;
  if (absl::Status status = CheckAdapterName(setup.name); !status.ok()) return status;
  const std::optional<Architecture> architecture = FindArchitecture(options.architecture, layers);
  if (!architecture) {
    return absl::InvalidArgumentError(
        absl::StrCat("--architecture ", options.architecture, " is not known"));
  }
  setup.architecture = *architecture;
  const absl::StatusOr<SkipScheduleOptions> skip = MakeSkip(options, layers);
  if (!skip.ok()) return skip.status();
  setup.skip = *skip;
  // A specialized adapter has no modules below its n: they would never be trained.
  std::fill_n(setup.architecture.layout.left_out.begin(), setup.skip.specialized_depth, true);

  const bool classifies = inputs.train.type == TaskType::kClassification;
  setup.metric = options.metric.value_or(classifies ? Metric::kAccuracy : Metric::kSpearman);
  if (IsClassificationMetric(setup.metric) != classifies) {
    return absl::InvalidArgumentError(
        absl::StrCat("--metric ", std::string(MetricName(setup.metric)), " does not fit ",
                     classifies ? "classification" : "regression"));
  }
  return setup;
}

double ReductionFactor(const TrainOptions& options, const Setup& setup) {
  return options.reduction_factor.value_or(setup.architecture.reduction_factor);
}

// What shapes the weights: kept in the checkpoint and, as the facts of the training, in the
// adapter.
absl::StatusOr<std::map<std::string, std::string>> Settings(const TrainOptions& options,
                                                            const TrainInputs& inputs,
                                                            const Setup& setup) {
  const absl::StatusOr<std::string> train = FileDigest(options.train_file);
  if (!train.ok()) return train.status();
  const absl::StatusOr<std::string> dev = FileDigest(options.dev_file);
  if (!dev.ok()) return dev.status();
  std::map<std::string, std::string> settings = {
      {"encoder", inputs.encoder->fingerprint()},
      {"train", fs::path(options.train_file).filename().string()},
      {"train-sha256", *train},
      {"train-rows", absl::StrCat(inputs.train.examples.size())},
      {"dev", fs::path(options.dev_file).filename().string()},
      {"dev-sha256", *dev},
      {"method", std::string(MethodName(options.method))},
      {"architecture", options.architecture},
      {"reduction-factor", absl::StrCat(ReductionFactor(options, setup))},
      {"metric", std::string(MetricName(setup.metric))},
      {"max-tokens", absl::StrCat(options.max_tokens)},
      {"learning-rate", absl::StrCat(options.learning_rate)},
      {"batch-size", absl::StrCat(options.batch_size)},
      {"epochs", absl::StrCat(options.epochs)},
      {"dev-every", absl::StrCat(options.dev_every_steps)},
      {"encoder-dropout",
       options.encoder_dropout ? absl::StrCat(*options.encoder_dropout) : std::string("config")},
      {"weight-dtype", options.weight_dtype == WeightDtype::kFp16 ? "fp16" : "fp32"},
      {"seed", absl::StrCat(options.seed)},
  };
  if (options.skip_layers) settings["skip-layers"] = absl::StrCat(*options.skip_layers);
  return settings;
}

DropoutRates Rates(const TrainOptions& options, const EncoderConfig& config) {
  return {.hidden = options.encoder_dropout.value_or(config.hidden_dropout),
          .attention = options.encoder_dropout.value_or(config.attention_dropout),
          .head = config.hidden_dropout};
}

std::string Describe(const TrainOptions& options, const TrainInputs& inputs) {
  const EncoderConfig& config = inputs.encoder->config();
  std::string text = absl::StrFormat(
      "encoder %s: %d layers of %d\ntrain   %s: %d texts\ndev     %s: %d texts\n",
      FolderName(options.encoder_dir), config.layers, config.hidden_size, options.train_file,
      inputs.train.examples.size(), options.dev_file, inputs.dev.examples.size());
  if (inputs.train.type == TaskType::kClassification) {
    absl::StrAppend(&text, "labels  ", absl::StrJoin(inputs.train.labels, ", "), "\n");
  }
  if (inputs.train.truncated > 0) {
    absl::StrAppend(&text, "        ", inputs.train.truncated, " training texts are cut at ",
                    std::min(options.max_tokens, config.max_positions), " tokens\n");
  }
  return text;
}

absl::Status WriteTask(const TrainOptions& options, const TrainInputs& inputs, const Setup& setup,
                       const TrainableTask& task, TrainingRecord record) {
  const TaskDestination to{.folder = options.output_dir,
                           .name = setup.name,
                           .architecture = options.architecture,
                           .encoder = inputs.encoder->config(),
                           .encoder_name = FolderName(options.encoder_dir),
                           .dtype = options.weight_dtype};
  return task.Write(to, std::move(record));
}

// Null: this process trains alone.
absl::StatusOr<std::unique_ptr<Ranks>> JoinRanks() {
  const absl::StatusOr<std::optional<RankPlace>> place = RankFromEnvironment();
  if (!place.ok()) return place.status();
  if (!place->has_value()) return nullptr;
  return Ranks::Join(**place);
}

bool IsFirst(const Ranks* ranks) { return ranks == nullptr || ranks->is_first(); }

absl::StatusOr<TrainingLog> OpenLog(const TrainOptions& options, const Ranks* ranks) {
  if (options.log_file.empty() || !IsFirst(ranks)) return TrainingLog();
  return TrainingLog::Open(options.log_file);
}

}  // namespace

absl::Status TrainTask(const TrainOptions& options, const TrainConsole& console) {
  if (options.threads > 0) at::set_num_threads(options.threads);
  if (absl::Status status = PrepareOutput(options); !status.ok()) return status;
  const absl::StatusOr<TrainInputs> inputs = LoadInputs(options);
  if (!inputs.ok()) return inputs.status();
  const absl::StatusOr<Setup> setup = MakeSetup(options, *inputs);
  if (!setup.ok()) return setup.status();
  const absl::StatusOr<std::map<std::string, std::string>> settings =
      Settings(options, *inputs, *setup);
  if (!settings.ok()) return settings.status();
  const absl::StatusOr<std::unique_ptr<Ranks>> ranks = JoinRanks();
  if (!ranks.ok()) return ranks.status();
  absl::StatusOr<TrainingLog> log = OpenLog(options, ranks->get());
  if (!log.ok()) return log.status();
  std::ostream nowhere(nullptr);
  std::ostream& progress_out = IsFirst(ranks->get()) ? console.progress : nowhere;
  progress_out << Describe(options, *inputs) << std::flush;

  const EncoderConfig& config = inputs->encoder->config();
  AdapterTask task(
      {.layout = setup->architecture.layout,
       .hidden_size = config.hidden_size,
       .bottleneck = BottleneckWidth(config.hidden_size, ReductionFactor(options, *setup)),
       .labels = inputs->train.labels},
      options.seed);
  Evaluator evaluator(inputs->encoder, inputs->dev, {.metric = setup->metric});
  TrainingLoopOptions loop_options;
  loop_options.skip = setup->skip;
  loop_options.learning_rate = options.learning_rate;
  loop_options.batch_size = options.batch_size;
  loop_options.epochs = options.epochs;
  loop_options.seed = options.seed;
  loop_options.dev_every_steps = options.dev_every_steps;
  loop_options.step.rates = Rates(options, config);
  loop_options.weight_dtype = options.weight_dtype;
  loop_options.checkpoint_path = CheckpointPath(options);
  loop_options.settings = *settings;
  loop_options.ranks = ranks->get();
  loop_options.log = &*log;
  TrainingLoop loop(inputs->encoder, task, inputs->train, evaluator, loop_options);
  if (options.resume) {
    const absl::StatusOr<Checkpoint> checkpoint = ReadCheckpoint(loop_options.checkpoint_path);
    if (!checkpoint.ok()) return checkpoint.status();
    if (absl::Status status = loop.Restore(*checkpoint); !status.ok()) return status;
  }

  Progress progress(progress_out, console.progress_is_terminal, loop.step(), loop.total_steps());
  const absl::StatusOr<TrainingResult> result = loop.Run(console.stop_requested, progress);
  if (!result.ok()) return result.status();
  if (!IsFirst(ranks->get())) return absl::OkStatus();  // the first rank writes for all
  progress.Message(result->interrupted ? "stopping: measuring the best weights at every depth"
                                       : "measuring the best weights at every depth");
  TrainingRecord record;
  record.method = MethodName(options.method);
  record.trained_skip_layers = SkipSchedule(setup->skip).trained_range();
  record.profile = evaluator.MeasureProfile(task.Freeze(options.weight_dtype));
  record.encoder_fingerprint = inputs->encoder->fingerprint();
  nlohmann::json details(*settings);
  details["steps"] = result->steps;
  details["best-step"] = result->best_step;
  record.details_json = details.dump();
  const std::string curve = FormatCurve(*record.profile, record.trained_skip_layers);
  if (absl::Status status = WriteTask(options, *inputs, *setup, task, std::move(record));
      !status.ok()) {
    return status;
  }
  console.result << curve << std::flush;
  if (result->interrupted) {
    return absl::CancelledError(absl::StrFormat(
        "stopped after step %d of %d; %s holds %s. The same command with --resume goes on",
        result->steps, loop.total_steps(), options.output_dir,
        result->best_step > 0 ? "the best weights so far"
                              : "the last weights (none were evaluated yet)"));
  }
  std::error_code ignored;  // a checkpoint that is left over only asks for --resume
  fs::remove(loop_options.checkpoint_path, ignored);
  console.progress << "written to " << options.output_dir << std::endl;
  return absl::OkStatus();
}

}  // namespace fathom::training
