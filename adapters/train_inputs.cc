#include "adapters/train_inputs.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/file/mapped_file.h"
#include "runtime/model/gemm.h"
#include "runtime/model/sha256.h"
#include "runtime/task/format/checked_folder.h"
#include "runtime/text/tokenizer.h"

namespace fathom::training {
namespace {

namespace fs = std::filesystem;

constexpr size_t kFileDigestDigits = 16;

// Another file of the task that the training file defines.
absl::StatusOr<Dataset> LoadRows(const std::string& file, const TrainOptions& options,
                                 const Tokenizer& tokenizer, const DatasetOptions& dataset) {
  const absl::StatusOr<Table> table = ReadTable(file);
  if (!table.ok()) return table.status();
  const absl::StatusOr<Columns> columns = FindColumns(*table, options.columns);
  if (!columns.ok()) return columns.status();
  return MakeDataset(*table, *columns, tokenizer, dataset);
}

absl::Status LoadData(const TrainOptions& options, const Tokenizer& tokenizer,
                      TrainInputs& inputs) {
  const absl::StatusOr<Table> table = ReadTable(options.train_file);
  if (!table.ok()) return table.status();
  const absl::StatusOr<Columns> columns = FindColumns(*table, options.columns);
  if (!columns.ok()) return columns.status();
  DatasetOptions dataset;
  dataset.type = options.task_type.value_or(GuessTaskType(*table, *columns));
  dataset.max_tokens = std::min(options.max_tokens, inputs.encoder->config().max_positions);
  if (dataset.type == TaskType::kClassification) {
    absl::StatusOr<std::vector<std::string>> labels = CollectLabels(*table, *columns);
    if (!labels.ok()) return labels.status();
    dataset.labels = *std::move(labels);
  }
  absl::StatusOr<Dataset> train = MakeDataset(*table, *columns, tokenizer, dataset);
  if (!train.ok()) return train.status();
  absl::StatusOr<Dataset> dev = LoadRows(options.dev_file, options, tokenizer, dataset);
  if (!dev.ok()) return dev.status();
  inputs.train = *std::move(train);
  inputs.dev = *std::move(dev);
  if (options.profile_file.empty()) return absl::OkStatus();
  absl::StatusOr<Dataset> profile = LoadRows(options.profile_file, options, tokenizer, dataset);
  if (!profile.ok()) return profile.status();
  inputs.profile = *std::move(profile);
  return absl::OkStatus();
}

}  // namespace

std::string FolderName(const std::string& folder) {
  const fs::path path = fs::absolute(folder).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).filename().string();
}

std::string CheckpointPath(const TrainOptions& options) {
  const fs::path path = fs::absolute(options.output_dir).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).string() + ".checkpoint";
}

absl::Status PrepareOutput(const TrainOptions& options) {
  const fs::path output(options.output_dir);
  std::error_code ignored;
  const bool ours = options.method == Method::kFull
                        ? fs::exists(output / "model.safetensors", ignored) &&
                              !fs::equivalent(output, options.encoder_dir, ignored)
                        : IsTaskFolder(options.output_dir);
  if (fs::exists(output, ignored) && !ours && !fs::is_empty(output, ignored)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "--output ", options.output_dir, " exists and is not ",
        options.method == Method::kFull ? "the folder of a model apart from the encoder"
                                        : "an adapter folder",
        "; name another, it would be replaced"));
  }
  const std::string checkpoint = CheckpointPath(options);
  const bool interrupted = fs::exists(checkpoint, ignored);
  if (interrupted && !options.resume) {
    return absl::FailedPreconditionError(
        absl::StrCat("an earlier run left ", checkpoint,
                     "; add --resume to go on from it, or delete it to start over"));
  }
  if (!interrupted && options.resume) {
    return absl::NotFoundError(
        absl::StrCat("--resume: there is no ", checkpoint, "; leave --resume out to start"));
  }
  std::error_code error;
  fs::create_directories(fs::path(checkpoint).parent_path(), error);
  if (error) {
    return absl::PermissionDeniedError(absl::StrCat("cannot make the folder of --output ",
                                                    options.output_dir, ": ", error.message()));
  }
  return absl::OkStatus();
}

absl::StatusOr<TrainInputs> LoadInputs(const TrainOptions& options) {
  TrainInputs inputs;
  if (options.precision == Precision::kBf16 && !HasBf16()) {
    return absl::FailedPreconditionError(
        "--precision bf16: this CPU does not multiply bf16 itself; leave it out");
  }
  absl::StatusOr<std::shared_ptr<const Encoder>> encoder =
      Encoder::Load(options.encoder_dir, PlainWeights::kKeep,
                    GemmTable{.precision = options.precision, .choices = {}});
  if (!encoder.ok()) return encoder.status();
  inputs.encoder = *std::move(encoder);
  const absl::StatusOr<std::unique_ptr<const Tokenizer>> tokenizer =
      Tokenizer::FromFolder(options.encoder_dir);
  if (!tokenizer.ok()) return tokenizer.status();
  if ((*tokenizer)->vocab_size() > inputs.encoder->config().vocab_size) {
    return absl::InvalidArgumentError(
        absl::StrCat(options.encoder_dir, ": the tokenizer has ", (*tokenizer)->vocab_size(),
                     " tokens, the encoder embeds ", inputs.encoder->config().vocab_size));
  }
  if (absl::Status status = LoadData(options, **tokenizer, inputs); !status.ok()) return status;
  return inputs;
}

absl::StatusOr<std::string> FileDigest(const std::string& path) {
  const absl::StatusOr<std::string> bytes = ReadTextFile(path);
  if (!bytes.ok()) return bytes.status();
  Sha256 digest;
  digest.Update(bytes->data(), bytes->size());
  return digest.Hex(kFileDigestDigits);
}

}  // namespace fathom::training
