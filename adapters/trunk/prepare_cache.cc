#include "adapters/trunk/prepare_cache.h"

#include <chrono>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "adapters/data/text_packs.h"
#include "adapters/trunk/state_file.h"
#include "runtime/pass/plan.h"

namespace fathom::training {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFileName = "trunk-states";

StateShape Shape(const Encoder& encoder, absl::Span<const int32_t> tokens, const StateNeeds& needs,
                 TapPrecision precision) {
  StateShape shape{.texts = static_cast<int64_t>(tokens.size()),
                   .layers = encoder.config().layers,
                   .hidden_size = encoder.config().hidden_size,
                   .pairs = needs.pairs,
                   .precision = precision};
  for (const int32_t count : tokens) shape.tokens += count;
  return shape;
}

// A file of an earlier run as a cache.
absl::StatusOr<std::shared_ptr<const StateCache>> Reuse(const std::string& path,
                                                        const StateFileHeader& wanted,
                                                        absl::Span<const int32_t> tokens) {
  absl::StatusOr<FoundStateFile> found = OpenStateFile(path);
  if (!found.ok()) return found.status();
  absl::Status status = CheckServes(path, found->header, wanted);
  if (!status.ok()) return status;
  StatePlan plan;
  for (const TapPoint& point : found->header.points) {
    plan.planes.push_back(MakePlane(found->header.shape, point));
    plan.planes.back().in_file = true;
  }
  StateMemory memory;
  memory.file = std::move(found->bytes);
  return std::make_shared<const StateCache>(found->header.shape, tokens, std::move(plan),
                                            std::move(memory));
}

struct Reserved {
  StatePlan plan;
  StateMemory memory;
  std::unique_ptr<NewStateFile> file;  // to commit; null: none is kept
};

absl::StatusOr<Reserved> Reserve(StatePlan plan, const std::string& path, bool keep_file) {
  Reserved reserved{.plan = std::move(plan)};
  if (const int64_t bytes = reserved.plan.FileBytes(); bytes > 0) {
    std::error_code ignored;  // then the file cannot be made either
    fs::create_directories(fs::path(path).parent_path(), ignored);
    absl::StatusOr<std::unique_ptr<NewStateFile>> file = NewStateFile::Create(path, bytes);
    if (!file.ok()) return file.status();
    reserved.memory.file = (*file)->TakeBytes();
    if (keep_file) reserved.file = *std::move(file);
  }
  if (const int64_t bytes = reserved.plan.MemoryBytes(); bytes > 0) {
    absl::StatusOr<MappedBytes> memory = MappedBytes::InMemory(bytes);
    if (!memory.ok()) return memory.status();
    reserved.memory.memory = *std::move(memory);
  }
  return reserved;
}

std::vector<TapPoint> Points(const StatePlan& plan) {
  std::vector<TapPoint> points;
  for (const StatePlane& plane : plan.planes) points.push_back(plane.point);
  return points;
}

StatePlan Plan(const StateShape& shape, const StateNeeds& needs, const StateCacheOptions& options) {
  StateBudgets budgets = options.budgets;
  if (options.keep_file) budgets.memory_bytes = 0;
  StatePlan plan = PlanStateCache(shape, needs.forks, budgets);
  const double saved =
      MeanTrunkLayers(needs.forks) - MeanTrunkLayersLeft(plan.Depths(), shape.layers, needs.forks);
  const bool worth_filling =
      options.epochs == 0 || saved * static_cast<double>(options.epochs) > FillLayers(plan);
  return worth_filling ? plan : StatePlan{};
}

// Memory and file of what is planned; with a full disk, of what the memory alone holds.
absl::StatusOr<Reserved> PlanAndReserve(const StateShape& shape, const StateNeeds& needs,
                                        StateCacheOptions options, const std::string& path,
                                        const std::function<void(const std::string&)>& message) {
  absl::StatusOr<Reserved> reserved = Reserve(Plan(shape, needs, options), path, options.keep_file);
  if (!absl::IsResourceExhausted(reserved.status()) || options.budgets.file_bytes == 0) {
    return reserved;
  }
  message(absl::StrCat("warning: ", std::string(reserved.status().message()),
                       "; trunk states are kept in memory only"));
  options.budgets.file_bytes = 0;
  options.keep_file = false;
  return Reserve(Plan(shape, needs, options), path, /*keep_file=*/false);
}

}  // namespace

StateNeeds FindStateNeeds(const AdapterLayout& layout, SkipRange skip_layers) {
  StateNeeds needs;
  for (int n = skip_layers.first; n <= skip_layers.last; ++n) {
    const std::optional<Fork> fork = FindFork(layout, n);
    if (fork) needs.forks.push_back(*fork);
    needs.pairs |= PairLayer({.layout = &layout, .skip_layers = n}).has_value();
  }
  return needs;
}

absl::StatusOr<PreparedCache> PrepareCache(const std::shared_ptr<const Encoder>& encoder,
                                           const Dataset& data, const StateNeeds& needs,
                                           const StateCacheOptions& options,
                                           const FillCallbacks& callbacks,
                                           const std::function<void(const std::string&)>& message) {
  const auto start = std::chrono::steady_clock::now();
  const std::vector<int32_t> tokens = TokenCounts(data);
  const StateShape shape = Shape(*encoder, tokens, needs, options.precision);
  const std::string path = (fs::path(options.file_dir) / kFileName).string();
  StateFileHeader header{.encoder = encoder->fingerprint(), .shape = shape};
  if (options.keep_file) {
    header.data = DatasetDigest(data);
    absl::StatusOr<std::shared_ptr<const StateCache>> kept = Reuse(path, header, tokens);
    if (kept.ok()) return PreparedCache{.cache = *std::move(kept)};
    if (!absl::IsNotFound(kept.status())) return kept.status();
  }

  absl::StatusOr<Reserved> reserved = PlanAndReserve(shape, needs, options, path, message);
  if (!reserved.ok()) return reserved.status();
  if (reserved->plan.planes.empty()) return PreparedCache{};
  header.points = Points(reserved->plan);
  const auto cache = std::make_shared<StateCache>(shape, tokens, std::move(reserved->plan),
                                                  std::move(reserved->memory));
  Executor executor(encoder);
  if (absl::Status status = FillCache(executor, data, callbacks, *cache); !status.ok()) {
    return status;
  }
  if (reserved->file != nullptr) {
    if (absl::Status status = reserved->file->Commit(header); !status.ok()) {
      message(absl::StrCat("warning: ", std::string(status.message()),
                           "; the trunk states are not kept for later runs"));
    }
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  return PreparedCache{.cache = cache, .fill_seconds = seconds.count()};
}

}  // namespace fathom::training
