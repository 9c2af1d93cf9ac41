#include "adapters/run_seeds.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "adapters/parallel/ranks.h"
#include "adapters/report/seed_table.h"
#include "adapters/train_inputs.h"
#include "adapters/train_task.h"
#include "runtime/model/encoder.h"
#include "runtime/task/format/checked_folder.h"

namespace fathom::training {
namespace {

namespace fs = std::filesystem;

TrainOptions OptionsOf(const TrainOptions& options, uint64_t seed) {
  TrainOptions one = options;
  one.seeds.clear();
  one.seed = seed;
  one.output_dir = (fs::path(options.output_dir) / absl::StrCat("seed-", seed)).string();
  if (one.name.empty()) one.name = FolderName(options.output_dir);
  std::error_code ignored;
  one.resume = options.resume && fs::exists(CheckpointPath(one), ignored);
  return one;
}

// An interrupted run has written its folder too, but its checkpoint is there.
bool IsFinished(const TrainOptions& options) {
  std::error_code ignored;
  return IsTaskFolder(options.output_dir) && !fs::exists(CheckpointPath(options), ignored);
}

absl::StatusOr<TrainingRecord> ReadRecord(const TrainOptions& options) {
  const absl::StatusOr<EncoderConfig> config = Encoder::LoadConfig(options.encoder_dir);
  if (!config.ok()) return config.status();
  absl::StatusOr<CheckedFolder> folder = CheckTaskFolder(options.output_dir, *config);
  if (!folder.ok()) return folder.status();
  if (!folder->training || !folder->training->profile) {
    return absl::FailedPreconditionError(
        absl::StrCat(options.output_dir, " has no depth profile; delete it to train this seed"));
  }
  return *std::move(folder->training);
}

// A table of runs that differ in more than their seed would mean nothing.
absl::Status CheckOneSetting(const TrainOptions& options, const TrainingRecord& first,
                             const TrainingRecord& other) {
  const auto before = nlohmann::json::parse(first.details_json);
  const auto now = nlohmann::json::parse(other.details_json);
  for (const auto& [key, value] : before.items()) {
    if (key == "seed" || key == "steps" || key == "best-step") continue;
    const auto found = now.find(key);
    if (found != now.end() && *found == value) continue;
    return absl::FailedPreconditionError(
        absl::StrCat(options.output_dir, " was trained with another ", key, " (",
                     found == now.end() ? "absent" : found->dump(), ") than the first seed (",
                     value.dump(), "); delete the one that is out of date"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunSeeds(const TrainOptions& options, const TrainConsole& console) {
  const absl::StatusOr<std::optional<RankPlace>> rank = RankFromEnvironment();
  if (!rank.ok()) return rank.status();
  if (rank->has_value()) {
    return absl::InvalidArgumentError("--seeds runs in one process; give each rank --seed instead");
  }
  if (options.method == Method::kFull) {
    return absl::InvalidArgumentError("--seeds is for adapters; run --method full once a --seed");
  }
  std::vector<SeedProfile> runs;
  std::optional<TrainingRecord> first;
  for (const uint64_t seed : options.seeds) {
    const TrainOptions one = OptionsOf(options, seed);
    if (options.resume && IsFinished(one)) {
      console.progress << "seed " << seed << " is finished: " << one.output_dir << std::endl;
    } else {
      console.progress << "seed " << seed << std::endl;
      if (absl::Status status = TrainTask(one, console); !status.ok()) return status;
    }
    absl::StatusOr<TrainingRecord> record = ReadRecord(one);
    if (!record.ok()) return record.status();
    if (!first) first = *record;
    if (absl::Status status = CheckOneSetting(one, *first, *record); !status.ok()) return status;
    runs.push_back({seed, *std::move(record->profile)});
  }
  console.result << FormatSeedTable(runs) << std::flush;
  return absl::OkStatus();
}

}  // namespace fathom::training
