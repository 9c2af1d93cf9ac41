#include "runtime/task/format/adapter_folder.h"

#include <utility>

#include "runtime/task/format/adapter_config.h"
#include "runtime/task/format/checked_folder.h"

namespace fathom {

absl::StatusOr<AdapterFolder> ReadAdapterFolder(const std::string& folder,
                                                const EncoderConfig& encoder) {
  absl::StatusOr<CheckedFolder> checked = CheckAdapterFolder(folder, encoder);
  if (!checked.ok()) return checked.status();
  absl::StatusOr<FolderWeights> weights = ReadFolderWeights(*checked);
  if (!weights.ok()) return weights.status();
  return AdapterFolder{.name = checked->adapter.name,
                       .architecture = ArchitectureName(checked->adapter.layout),
                       .adapter = std::move(weights->adapter),
                       .head = std::move(weights->head),
                       .training = std::move(checked->training)};
}

}  // namespace fathom
