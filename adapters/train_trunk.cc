#include "adapters/train_trunk.h"

#include <chrono>
#include <ostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "adapters/report/progress.h"
#include "adapters/trunk/available_memory.h"

namespace fathom::training {
namespace {

constexpr auto kProgressInterval = std::chrono::seconds(10);
constexpr double kMebibyte = 1 << 20;

StateCacheOptions CacheOptions(const TrainOptions& options, int processes) {
  StateCacheOptions cache;
  cache.precision = options.state_precision;
  // A run that was told to keep states keeps them; by itself it does where that saves time.
  if (!options.state_cache_bytes && !options.keep_state_cache) cache.epochs = options.epochs;
  cache.budgets.memory_bytes =
      options.state_cache_bytes.value_or(AvailableMemoryBytes() / (2 * processes));
  if (options.state_cache_dir.empty()) return cache;
  cache.file_dir = options.state_cache_dir;
  cache.keep_file = options.keep_state_cache;
  cache.budgets.file_bytes = options.state_cache_file_mb << 20;
  return cache;
}

std::string Describe(const PreparedCache& prepared, const StateNeeds& needs) {
  const StateCache& cache = *prepared.cache;
  std::vector<std::string> kept;
  if (!cache.depths().layers.empty()) {
    kept.push_back(absl::StrCat("layers ", absl::StrJoin(cache.depths().layers, ", ")));
  }
  if (cache.depths().last_cls_row) kept.push_back("the last [CLS] rows");
  return absl::StrFormat(
      "trunk   states of %s: %.0f MiB in memory, %.0f MiB in a file, %s; "
      "%.2f of %.2f trunk layers left a step\n",
      absl::StrJoin(kept, " and "), static_cast<double>(cache.plan().MemoryBytes()) / kMebibyte,
      static_cast<double>(cache.plan().FileBytes()) / kMebibyte,
      prepared.fill_seconds > 0
          ? absl::StrCat("computed in ", FormatDuration(prepared.fill_seconds))
          : std::string("read from it"),
      MeanTrunkLayersLeft(cache.depths(), cache.shape().layers, needs.forks),
      MeanTrunkLayers(needs.forks));
}

}  // namespace

absl::StatusOr<PreparedCache> PrepareTrunkCache(const TrainOptions& options,
                                                const TrainInputs& inputs, const TrainSetup& setup,
                                                const TrainableTask& task, int processes,
                                                const TrainConsole& console) {
  const bool trunk_changes =
      options.method == Method::kFull || options.dropout_places == DropoutPlaces::kEverywhere;
  if (!options.state_cache || trunk_changes) return PreparedCache{};
  auto shown = std::chrono::steady_clock::now();
  FillCallbacks callbacks;
  callbacks.stop_requested = console.stop_requested;
  callbacks.progress = [&](int64_t done, int64_t texts) {
    const auto now = std::chrono::steady_clock::now();
    if (now - shown < kProgressInterval) return;
    shown = now;
    console.progress << "trunk   states of " << done << "/" << texts << " texts" << std::endl;
  };
  const auto message = [&](const std::string& line) { console.progress << line << std::endl; };
  const StateNeeds needs = FindStateNeeds(task.layout(), SkipSchedule(setup.skip).trained_range());
  absl::StatusOr<PreparedCache> prepared = PrepareCache(
      inputs.encoder, inputs.train, needs, CacheOptions(options, processes), callbacks, message);
  if (!prepared.ok()) return prepared;
  if (prepared->cache != nullptr) console.progress << Describe(*prepared, needs) << std::flush;
  return prepared;
}

}  // namespace fathom::training
