#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/file/mapped_file.h"
#include "runtime/task/format/adapter_files.h"
#include "runtime/task/format/adapter_folder.h"
#include "runtime/task/format/file_names.h"
#include "runtime/task/format/staged_folder.h"
#include "runtime/task/format/training_record.h"

namespace fathom {
namespace {

using nlohmann::json;

// Everything of the folder, made before the first byte is written.
struct Files {
  ConfiguredWeights adapter;
  std::optional<ConfiguredWeights> head;
};

absl::StatusOr<Files> MakeFiles(const AdapterFolder& content, const EncoderConfig& encoder,
                                const ModelNames& names, WeightDtype dtype) {
  Files files;
  absl::StatusOr<ConfiguredWeights> adapter =
      MakeAdapterFiles(content.name, content.adapter, encoder, names, dtype);
  if (!adapter.ok()) return adapter.status();
  files.adapter = *std::move(adapter);
  if (content.training) {
    absl::StatusOr<json> record = MakeTrainingRecord(*content.training);
    if (!record.ok()) return record.status();
    files.adapter.config[kTrainingRecordKey] = *std::move(record);
  }
  if (content.head) {
    absl::StatusOr<ConfiguredWeights> head =
        MakeHeadFiles(content.name, *content.head, encoder, names, dtype);
    if (!head.ok()) return head.status();
    files.head = *std::move(head);
  }
  return files;
}

absl::Status WriteUnguarded(const std::string& folder, const Files& files) {
  absl::StatusOr<std::unique_ptr<StagedFolder>> staged = StagedFolder::Create(folder);
  if (!staged.ok()) return staged.status();
  const std::string& path = (*staged)->path();
  absl::Status status =
      WriteConfigured(path, kAdapterConfigFile, kAdapterWeightFiles, files.adapter);
  if (status.ok() && files.head) {
    status = WriteConfigured(path, kHeadConfigFile, kHeadWeightFiles, *files.head);
  }
  if (!status.ok()) return status;
  return (*staged)->Commit();
}

}  // namespace

absl::Status WriteAdapterFolder(const std::string& folder, const AdapterFolder& content,
                                const EncoderConfig& encoder, const ModelNames& names,
                                WeightDtype dtype) {
  try {
    absl::StatusOr<Files> files = MakeFiles(content, encoder, names, dtype);
    if (!files.ok()) {
      return InFile("cannot write " + folder, files.status());
    }
    return WriteUnguarded(folder, *files);
  } catch (const std::exception& error) {  // a name that is not UTF-8, no memory
    return absl::InvalidArgumentError(absl::StrCat("cannot write ", folder, ": ", error.what()));
  }
}

}  // namespace fathom
