#include "adapters/profile_inputs.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "adapters/data/head_task_type.h"
#include "runtime/model/calibration.h"
#include "runtime/task/format/checked_folder.h"
#include "runtime/text/tokenizer.h"

namespace fathom::training {
namespace {

absl::StatusOr<std::shared_ptr<const Encoder>> LoadServingEncoder(const ProfileOptions& options) {
  const absl::StatusOr<EncoderConfig> config = Encoder::LoadConfig(options.encoder_dir);
  if (!config.ok()) return config.status();
  const absl::StatusOr<GemmCalibration> gemms =
      CalibrateGemms(*config, {.dir = options.calibration, .threads = at::get_num_threads()});
  if (!gemms.ok()) return gemms.status();
  return Encoder::Load(options.encoder_dir, PlainWeights::kDrop, gemms->gemms);
}

absl::Status CheckMeasurable(const CheckedFolder& folder, const ProfileOptions& options,
                             const Encoder& encoder) {
  if (!folder.head) {
    return absl::FailedPreconditionError(
        absl::StrCat(options.task_dir, " has no prediction head (no head_config.json): without ",
                     "one it answers nothing that could be scored"));
  }
  if (folder.head->use_pooler && !encoder.pooler()) {
    return absl::FailedPreconditionError(
        absl::StrCat(options.task_dir, ": the head reads the encoder's pooler (use_pooler), and ",
                     options.encoder_dir, " has none"));
  }
  if (folder.training && !folder.training->encoder_fingerprint.empty() &&
      folder.training->encoder_fingerprint != encoder.fingerprint()) {
    return absl::FailedPreconditionError(absl::StrCat(
        options.task_dir, " was trained on the encoder ", folder.training->encoder_fingerprint,
        ", --encoder is ", encoder.fingerprint()));
  }
  if (!options.labels.empty() &&
      options.labels.size() != static_cast<size_t>(folder.head->labels.size())) {
    return absl::InvalidArgumentError(absl::StrCat("--labels names ", options.labels.size(),
                                                   " labels, the head has ",
                                                   folder.head->labels.size(), " classes"));
  }
  return absl::OkStatus();
}

absl::Status LoadTask(const ProfileOptions& options, ProfileInputs& inputs) {
  const EncoderConfig& config = inputs.encoder->config();
  absl::StatusOr<CheckedFolder> folder = CheckTaskFolder(options.task_dir, config);
  if (!folder.ok()) return folder.status();
  if (absl::Status status = CheckMeasurable(*folder, options, *inputs.encoder); !status.ok()) {
    return status;
  }
  absl::StatusOr<FolderWeights> weights = ReadFolderWeights(*folder);
  if (!weights.ok()) return weights.status();
  inputs.name = folder->adapter.name;
  inputs.task.adapter = std::move(weights->adapter);
  inputs.task.head = *std::move(weights->head);
  inputs.record = std::move(folder->training);
  return absl::OkStatus();
}

absl::Status LoadRows(const ProfileOptions& options, ProfileInputs& inputs) {
  const absl::StatusOr<std::unique_ptr<const Tokenizer>> tokenizer =
      Tokenizer::FromFolder(options.encoder_dir);
  if (!tokenizer.ok()) return tokenizer.status();
  const absl::StatusOr<Table> table = ReadTable(options.data_file);
  if (!table.ok()) return table.status();
  const absl::StatusOr<Columns> columns = FindColumns(*table, options.columns);
  if (!columns.ok()) return columns.status();
  const Head& head = inputs.task.head;
  const absl::StatusOr<TaskType> type = HeadTaskType(head.kind, options.task_dir);
  if (!type.ok()) return type.status();
  absl::StatusOr<Dataset> data = MakeDataset(
      *table, *columns, **tokenizer,
      {.type = *type,
       .labels = options.labels.empty() ? head.labels : options.labels,
       .labels_of = "the head's",
       .max_tokens = std::min(options.max_tokens, inputs.encoder->config().max_positions)});
  if (!data.ok()) return data.status();
  inputs.data = *std::move(data);
  return absl::OkStatus();
}

// The flag's, the record's, or the usual one.
absl::StatusOr<Metric> ChooseMetric(const ProfileOptions& options, const ProfileInputs& inputs) {
  const bool classifies = inputs.data.type == TaskType::kClassification;
  std::optional<Metric> metric = options.metric;
  if (!metric && inputs.record && inputs.record->profile) {
    metric = ParseMetric(inputs.record->profile->metric);
  }
  if (!metric) return classifies ? Metric::kAccuracy : Metric::kSpearman;
  if (IsClassificationMetric(*metric) != classifies) {
    return absl::InvalidArgumentError(absl::StrCat("--metric ", std::string(MetricName(*metric)),
                                                   " does not fit a head of ",
                                                   classifies ? "classification" : "regression"));
  }
  return *metric;
}

}  // namespace

absl::StatusOr<ProfileInputs> LoadProfileInputs(const ProfileOptions& options) {
  ProfileInputs inputs;
  absl::StatusOr<std::shared_ptr<const Encoder>> encoder = LoadServingEncoder(options);
  if (!encoder.ok()) return encoder.status();
  inputs.encoder = *std::move(encoder);
  if (absl::Status status = LoadTask(options, inputs); !status.ok()) return status;
  if (absl::Status status = LoadRows(options, inputs); !status.ok()) return status;
  const absl::StatusOr<Metric> metric = ChooseMetric(options, inputs);
  if (!metric.ok()) return metric.status();
  inputs.metric = *metric;
  return inputs;
}

}  // namespace fathom::training
