#include "runtime/task/task_store.h"

#include <utility>

#include "runtime/task/task_loader.h"

namespace fathom {

absl::StatusOr<TaskStore> TaskStore::Load(const std::string& folder, const Encoder& encoder,
                                          std::shared_ptr<WeightCache> weights,
                                          CatalogOptions options) {
  auto catalog = TaskCatalog::Open(
      folder,
      [&encoder, weights = std::move(weights)](const SeenVersion& version, WeightReading reading) {
        return LoadTaskFolder(version, reading, encoder, weights);
      },
      std::move(options));
  if (!catalog.ok()) return catalog.status();
  return TaskStore(*std::move(catalog));
}

absl::StatusOr<std::shared_ptr<const LoadedTask>> TaskStore::Find(std::string_view name,
                                                                  int version) const {
  const auto task = catalog_->registry().snapshot()->Find(name, version);
  if (!task.ok()) return task.status();
  return std::static_pointer_cast<const LoadedTask>(*task);
}

}  // namespace fathom
