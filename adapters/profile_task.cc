#include "adapters/profile_task.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <ostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "adapters/measure/depth_timer.h"
#include "adapters/profile_inputs.h"
#include "adapters/report/curve.h"
#include "adapters/report/plot_script.h"
#include "adapters/report/profile_json.h"
#include "adapters/train/evaluator.h"
#include "adapters/train_inputs.h"
#include "runtime/file/atomic_file.h"
#include "runtime/task/format/record_update.h"

namespace fathom::training {
namespace {

// One of the texts of median length.
const TokenizedText& MedianText(const Dataset& data) {
  std::vector<const TokenizedText*> texts;
  for (const Example& example : data.examples) texts.push_back(&example.text);
  const auto middle = texts.begin() + static_cast<ptrdiff_t>(texts.size() / 2);
  std::nth_element(
      texts.begin(), middle, texts.end(),
      [](const TokenizedText* a, const TokenizedText* b) { return a->ids.size() < b->ids.size(); });
  return **middle;
}

void AddTimes(const ProfileInputs& inputs, int rounds, DepthProfile& profile) {
  const std::vector<DepthTime> times =
      TimeDepths(inputs.encoder, inputs.task, MedianText(inputs.data), rounds);
  for (DepthPoint& point : profile.points) {
    const DepthTime& time = times[static_cast<size_t>(point.skip_layers)];
    point.ms_one_task = time.ms_one_task;
    point.ms_eight_tasks = time.ms_eight_tasks;
  }
}

absl::StatusOr<TrainingRecord> MakeRecord(const ProfileOptions& options,
                                          const ProfileInputs& inputs, DepthProfile profile) {
  TrainingRecord record = inputs.record.value_or(TrainingRecord{});
  record.profile = std::move(profile);
  const absl::StatusOr<std::string> digest = FileDigest(options.data_file);
  if (!digest.ok()) return digest.status();
  nlohmann::json details = nlohmann::json::parse(record.details_json);
  details.update(ProfileDataDetails(options.data_file, *digest, details.value("dev-sha256", "")));
  record.details_json = details.dump();
  return record;
}

absl::Status WriteReports(const ProfileOptions& options, const std::string& json) {
  if (!options.json_file.empty()) {
    if (absl::Status status = WriteFileAtomically(options.json_file, json); !status.ok()) {
      return status;
    }
  }
  if (options.plot_file.empty()) return absl::OkStatus();
  return DrawProfile(json, options.plot_file, options.python);
}

}  // namespace

absl::Status ProfileTask(const ProfileOptions& options, const TrainConsole& console) {
  if (options.threads > 0) at::set_num_threads(options.threads);
  const absl::StatusOr<ProfileInputs> inputs = LoadProfileInputs(options);
  if (!inputs.ok()) return inputs.status();
  console.progress << "measuring " << inputs->name << " on " << inputs->data.examples.size()
                   << " rows of " << options.data_file << std::endl;
  Evaluator evaluator(inputs->encoder, inputs->data,
                      {.metric = inputs->metric, .bootstrap = {.seed = options.seed}});
  DepthProfile profile = evaluator.MeasureProfile(inputs->task);
  if (options.timing_rounds > 0) AddTimes(*inputs, options.timing_rounds, profile);
  const absl::StatusOr<TrainingRecord> record = MakeRecord(options, *inputs, std::move(profile));
  if (!record.ok()) return record.status();
  if (!options.dry_run) {
    if (absl::Status status = UpdateTrainingRecord(options.task_dir, *record); !status.ok()) {
      return status;
    }
  }
  console.result << FormatCurve(*record->profile, inputs->record
                                                      ? std::optional(record->trained_skip_layers)
                                                      : std::nullopt)
                 << std::flush;
  const std::string data = std::filesystem::path(options.data_file).filename().string();
  return WriteReports(options,
                      FormatProfileJson({.task = inputs->name, .data = data}, *record->profile));
}

}  // namespace fathom::training
