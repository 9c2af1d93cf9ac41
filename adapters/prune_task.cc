#include "adapters/prune_task.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "adapters/data/head_task_type.h"
#include "adapters/measure/fusion_attention.h"
#include "adapters/model/prune_fusion.h"
#include "adapters/report/fusion_report.h"
#include "adapters/train_inputs.h"
#include "runtime/file/atomic_file.h"
#include "runtime/task/format/fusion_folder.h"
#include "runtime/text/tokenizer.h"

namespace fathom::training {
namespace {

struct PruneInputs {
  std::shared_ptr<const Encoder> encoder;  // with plain weights
  FusionFolder folder;
  Dataset data;
};

absl::StatusOr<FusionFolder> ReadFusion(const PruneOptions& options, const Encoder& encoder) {
  if (!IsFusionFolder(options.task_dir)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--task ", options.task_dir, " is not a fusion; fathom-train fuse makes one"));
  }
  absl::StatusOr<FusionFolder> folder = ReadFusionFolder(options.task_dir, encoder.config());
  if (!folder.ok()) return folder.status();
  if (!folder->head) {
    return absl::FailedPreconditionError(absl::StrCat(options.task_dir, " has no prediction head"));
  }
  const int members = static_cast<int>(folder->fusion.members.size());
  if (options.keep > members) {
    return absl::InvalidArgumentError(absl::StrCat("--keep ", options.keep, ": the fusion has ",
                                                   members, " adapters, keep 1 … ", members));
  }
  return folder;
}

absl::StatusOr<PruneInputs> LoadPruneInputs(const PruneOptions& options) {
  PruneInputs inputs;
  absl::StatusOr<std::shared_ptr<const Encoder>> encoder =
      Encoder::Load(options.encoder_dir, PlainWeights::kKeep);
  if (!encoder.ok()) return encoder.status();
  inputs.encoder = *std::move(encoder);
  absl::StatusOr<FusionFolder> folder = ReadFusion(options, *inputs.encoder);
  if (!folder.ok()) return folder.status();
  inputs.folder = *std::move(folder);
  const absl::StatusOr<std::unique_ptr<const Tokenizer>> tokenizer =
      Tokenizer::FromFolder(options.encoder_dir);
  if (!tokenizer.ok()) return tokenizer.status();
  const absl::StatusOr<Table> table = ReadTable(options.train_file);
  if (!table.ok()) return table.status();
  const absl::StatusOr<Columns> columns = FindColumns(*table, options.columns);
  if (!columns.ok()) return columns.status();
  const absl::StatusOr<TaskType> type = HeadTaskType(inputs.folder.head->kind, options.task_dir);
  if (!type.ok()) return type.status();
  absl::StatusOr<Dataset> data = MakeDataset(
      *table, *columns, **tokenizer,
      {.type = *type,
       .labels = inputs.folder.head->labels,
       .labels_of = "the head's",
       .max_tokens = std::min(options.max_tokens, inputs.encoder->config().max_positions)});
  if (!data.ok()) return data.status();
  inputs.data = *std::move(data);
  return inputs;
}

absl::Status WritePruned(const PruneOptions& options, const PruneInputs& inputs, Fusion pruned) {
  FusionFolder folder = inputs.folder;
  folder.name.clear();  // of fewer members, or in another order
  folder.fusion = std::move(pruned);
  if (folder.training) {
    folder.training->profile.reset();
    nlohmann::json details = nlohmann::json::parse(folder.training->details_json);
    details["pruned-to"] = options.keep;
    details["pruned-on"] = FolderName(options.train_file);
    folder.training->details_json = details.dump();
  }
  return WriteFusionFolder(options.output_dir, folder, inputs.encoder->config(),
                           {.model_name = FolderName(options.encoder_dir)}, WeightDtype::kFp32);
}

}  // namespace

absl::Status PruneTask(const PruneOptions& options, const TrainConsole& console) {
  if (options.threads > 0) at::set_num_threads(options.threads);
  const absl::StatusOr<PruneInputs> inputs = LoadPruneInputs(options);
  if (!inputs.ok()) return inputs.status();
  const auto texts = static_cast<int64_t>(inputs->data.examples.size());
  console.progress << "averaging attention over " << texts << " texts of " << options.train_file
                   << std::endl;
  const FusionTask fusion(inputs->folder.fusion, *inputs->folder.head);
  int64_t shown = 0;
  const absl::StatusOr<MemberWeights> weights =
      MeasureFusionAttention(inputs->encoder, fusion, inputs->data, [&](int64_t done) {
        if (done - shown >= texts / 10 || done == texts) {
          console.progress << done << "/" << texts << " texts" << std::endl;
          shown = done;
        }
        return !console.stop_requested();
      });
  if (!weights.ok()) return weights.status();
  absl::StatusOr<Fusion> pruned = PruneFusion(inputs->folder.fusion, *weights, options.keep);
  if (!pruned.ok()) return pruned.status();
  const std::vector<std::string>& members = inputs->folder.fusion.member_names;
  const std::string kept = FormatKept(members, *weights, *pruned);
  const bool runs_in_library = RunsInLibrary(*pruned);
  absl::Status status = WritePruned(options, *inputs, *std::move(pruned));
  if (!status.ok()) return status;
  if (!options.json_file.empty()) {
    status = WriteFileAtomically(
        options.json_file, FormatAttentionJson(FolderName(options.task_dir), members, *weights));
    if (!status.ok()) return status;
  }
  console.result << kept << std::flush;
  if (!runs_in_library) {
    console.progress << "no adapter was kept in every layer: Fathom serves this fusion, the "
                        "Python adapters library cannot run it\n";
  }
  console.progress << "written to " << options.output_dir
                   << "; measure its depths with fathom-train profile" << std::endl;
  return absl::OkStatus();
}

}  // namespace fathom::training
