#include "runtime/task/format/record_update.h"

#include <exception>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "runtime/file/atomic_file.h"
#include "runtime/file/mapped_file.h"
#include "runtime/model/json_fields.h"
#include "runtime/task/format/file_names.h"
#include "runtime/task/format/fusion_folder.h"
#include "runtime/task/format/training_record.h"

namespace fathom {
namespace {

absl::Status Update(const std::string& path, const nlohmann::json& record) {
  const absl::StatusOr<std::string> text = ReadTextFile(path);
  if (!text.ok()) return text.status();
  const absl::StatusOr<nlohmann::json> checked = ParseJsonObject(*text);
  if (!checked.ok()) return InFile(path, checked.status());
  // Once more: other writers' keys keep their order.
  auto file = nlohmann::ordered_json::parse(*text);
  file[kTrainingRecordKey].update(nlohmann::ordered_json(record));
  return WriteFileAtomically(path, file.dump(2) + "\n");
}

}  // namespace

absl::Status UpdateTrainingRecord(const std::string& folder, const TrainingRecord& record) {
  const absl::StatusOr<nlohmann::json> made = MakeTrainingRecord(record);
  const char* file = IsFusionFolder(folder) ? kSetupFile : kAdapterConfigFile;
  const std::string path = (std::filesystem::path(folder) / file).string();
  if (!made.ok()) return InFile(path, made.status());
  try {
    return Update(path, *made);
  } catch (const std::exception& error) {  // the record is no object, no memory
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", error.what()));
  }
}

}  // namespace fathom
