#include "adapters/train_task.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "adapters/report/class_balance.h"
#include "adapters/report/curve.h"
#include "adapters/report/profile_json.h"
#include "adapters/train_inputs.h"
#include "adapters/train_setup.h"
#include "adapters/train_trunk.h"
#include "adapters/trunk/trunk_source.h"

namespace fathom::training {
namespace {

using SettingsMap = std::map<std::string, std::string>;

std::string Describe(const TrainOptions& options, const TrainInputs& inputs) {
  const EncoderConfig& config = inputs.encoder->config();
  std::string text = absl::StrFormat(
      "encoder %s: %d layers of %d\ntrain   %s: %d texts\ndev     %s: %d texts\n",
      FolderName(options.encoder_dir), config.layers, config.hidden_size, options.train_file,
      inputs.train.examples.size(), options.dev_file, inputs.dev.examples.size());
  if (inputs.train.type == TaskType::kClassification) {
    absl::StrAppend(&text, "labels  ", absl::StrJoin(inputs.train.labels, ", "), "; ",
                    FormatClassBalance(inputs.train), "\n");
  }
  if (inputs.train.truncated > 0) {
    absl::StrAppend(&text, "        ", inputs.train.truncated, " training texts are cut at ",
                    std::min(options.max_tokens, config.max_positions), " tokens\n");
  }
  return text;
}

// The profile of the kept weights, on the rows that --profile-file names or on the dev rows.
DepthProfile MeasureProfile(const TrainOptions& options, const TrainInputs& inputs,
                            const TrainSetup& setup, const TrainableTask& task) {
  const Dataset& data = inputs.profile ? *inputs.profile : inputs.dev;
  Evaluator evaluator(inputs.encoder, data, {.metric = setup.metric});
  DepthProfile profile = evaluator.MeasureProfile(task.Freeze(options.weight_dtype));
  // A fully fine-tuned model has no other depth than 0.
  if (options.method == Method::kFull) profile.points.resize(1);
  return profile;
}

absl::StatusOr<TrainingRecord> MakeRecord(const TrainOptions& options, const TrainInputs& inputs,
                                          const TrainSetup& setup, const SettingsMap& settings,
                                          const TrainingResult& result) {
  const std::string& measured_on =
      options.profile_file.empty() ? options.dev_file : options.profile_file;
  const absl::StatusOr<std::string> digest = FileDigest(measured_on);
  if (!digest.ok()) return digest.status();
  nlohmann::json details(settings);
  details["steps"] = result.steps;
  details["best-step"] = result.best_step;
  details.update(ProfileDataDetails(measured_on, *digest, settings.at("dev-sha256")));
  TrainingRecord record;
  record.method = MethodName(options.method);
  record.trained_skip_layers = SkipSchedule(setup.skip).trained_range();
  record.encoder_fingerprint = inputs.encoder->fingerprint();
  record.shares_layers = options.share_across_layers;
  record.details_json = details.dump();
  return record;
}

absl::Status WriteTask(const TrainOptions& options, const TrainInputs& inputs,
                       const TrainSetup& setup, const TrainableTask& task,
                       const TrainingRecord& record) {
  const TaskDestination to{.folder = options.output_dir,
                           .name = setup.name,
                           .architecture = setup.architecture,
                           .encoder = inputs.encoder->config(),
                           .encoder_name = FolderName(options.encoder_dir),
                           .encoder_folder = options.encoder_dir,
                           .dtype = options.weight_dtype};
  return task.Write(to, record);
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

absl::StatusOr<TrainingResult> Train(const TrainOptions& options, TrainingLoop& loop,
                                     const TrainConsole& console) {
  if (options.resume) {
    const absl::StatusOr<Checkpoint> checkpoint = ReadCheckpoint(CheckpointPath(options));
    if (!checkpoint.ok()) return checkpoint.status();
    if (absl::Status status = loop.Restore(*checkpoint); !status.ok()) return status;
  }
  Progress progress(console.progress, console.progress_is_terminal, loop.step(),
                    loop.total_steps());
  absl::StatusOr<TrainingResult> result = loop.Run(console.stop_requested, progress);
  if (!result.ok()) return result;
  if (result->stopped_early) {
    progress.Message(
        absl::StrFormat("stopped early after step %d: %d evaluations without a "
                        "better score than that of step %d",
                        result->steps, options.early_stopping, result->best_step));
  }
  progress.Message(result->interrupted ? "stopping: measuring the best weights at every depth"
                                       : "measuring the best weights at every depth");
  return result;
}

std::string DescribeTime(std::chrono::steady_clock::duration time, const PreparedCache& prepared,
                         const TrunkWork& work) {
  return absl::StrFormat("trained in %s, %s of it for trunk states; %.2f trunk layers a step\n",
                         FormatDuration(std::chrono::duration<double>(time).count()),
                         FormatDuration(prepared.fill_seconds), work.MeanLayersRun());
}

absl::Status Interrupted(const TrainOptions& options, const TrainingResult& result,
                         int64_t total_steps) {
  return absl::CancelledError(absl::StrFormat(
      "stopped after step %d of %d; %s holds %s. The same command with --resume goes on",
      result.steps, total_steps, options.output_dir,
      result.best_step > 0 ? "the best weights so far"
                           : "the last weights (none were evaluated yet)"));
}

}  // namespace

absl::Status TrainTask(const TrainOptions& options, const TrainConsole& console) {
  if (options.threads > 0) at::set_num_threads(options.threads);
  if (absl::Status status = PrepareOutput(options); !status.ok()) return status;
  const absl::StatusOr<TrainInputs> inputs = LoadInputs(options);
  if (!inputs.ok()) return inputs.status();
  const absl::StatusOr<TrainSetup> setup = MakeSetup(options, *inputs);
  if (!setup.ok()) return setup.status();
  const absl::StatusOr<SettingsMap> settings = MakeSettings(options, *inputs, *setup);
  if (!settings.ok()) return settings.status();

  const absl::StatusOr<std::unique_ptr<Ranks>> ranks = JoinRanks();
  if (!ranks.ok()) return ranks.status();
  absl::StatusOr<TrainingLog> log = OpenLog(options, ranks->get());
  if (!log.ok()) return log.status();
  std::ostream nowhere(nullptr);
  TrainConsole out{.progress = IsFirst(ranks->get()) ? console.progress : nowhere,
                   .progress_is_terminal = console.progress_is_terminal,
                   .result = console.result,
                   .stop_requested = console.stop_requested};

  const std::unique_ptr<TrainableTask> task = MakeTask(options, *inputs, *setup);
  Evaluator evaluator(inputs->encoder, inputs->dev, {.metric = setup->metric});
  out.progress << Describe(options, *inputs) << "        a constant answer has the dev "
               << MetricName(setup->metric) << " "
               << absl::StrFormat("%.4f", evaluator.MajorityBaseline()) << std::endl;
  TrainingLoopOptions loop_options = MakeLoopOptions(options, *inputs, *setup, *settings);
  loop_options.ranks = ranks->get();
  loop_options.log = &*log;
  const auto start = std::chrono::steady_clock::now();
  const absl::StatusOr<PreparedCache> prepared = PrepareTrunkCache(
      options, *inputs, *setup, *task, ranks->get() == nullptr ? 1 : (*ranks)->size(), out);
  if (!prepared.ok()) return prepared.status();
  const TrunkSource trunks(inputs->train, prepared->cache);
  TrainingLoop loop(inputs->encoder, *task, inputs->train, trunks, evaluator, loop_options);
  const absl::StatusOr<TrainingResult> result = Train(options, loop, out);
  if (!result.ok()) return result.status();
  out.progress << DescribeTime(std::chrono::steady_clock::now() - start, *prepared, trunks.work());
  if (!IsFirst(ranks->get())) return absl::OkStatus();  // the first rank writes for all

  absl::StatusOr<TrainingRecord> record = MakeRecord(options, *inputs, *setup, *settings, *result);
  if (!record.ok()) return record.status();
  record->profile = MeasureProfile(options, *inputs, *setup, *task);
  if (absl::Status status = WriteTask(options, *inputs, *setup, *task, *record); !status.ok()) {
    return status;
  }
  console.result << FormatCurve(*record->profile, record->trained_skip_layers) << std::flush;
  if (result->interrupted) return Interrupted(options, *result, loop.total_steps());
  std::error_code ignored;  // a checkpoint that is left over only asks for --resume
  std::filesystem::remove(CheckpointPath(options), ignored);
  console.progress << "written to " << options.output_dir << std::endl;
  return absl::OkStatus();
}

}  // namespace fathom::training
