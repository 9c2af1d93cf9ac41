#include "tests/bench/task_pool.h"

#include <numeric>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/support/random_model.h"

namespace fathom::bench {
namespace {

constexpr size_t kWholeTasks = 64;
constexpr uint64_t kFirstSeed = 10;

}  // namespace

TaskPool::TaskPool(const EncoderConfig& config, int bottleneck)
    : config_(config), bottleneck_(bottleneck) {}

void TaskPool::Grow(int count) {
  std::vector<int> all_but_last(static_cast<size_t>(config_.layers) - 1);
  std::iota(all_but_last.begin(), all_but_last.end(), 0);
  while (tasks_.size() < static_cast<size_t>(count)) {
    const uint64_t seed = kFirstSeed + tasks_.size();
    const AdapterLayout layout = tasks_.size() < kWholeTasks
                                     ? PfeifferLayout(config_.layers)
                                     : PfeifferLayout(config_.layers, all_but_last);
    tasks_.emplace_back(TaskInfo{.name = absl::StrCat("task", tasks_.size())},
                        RandomAdapter(layout, config_.hidden_size, bottleneck_, seed),
                        RandomHead(config_.hidden_size, {"no", "yes"}, seed));
  }
}

const LoadedTask& TaskPool::Add(Adapter adapter) {
  return added_.emplace_back(TaskInfo{.name = absl::StrCat("added", added_.size())},
                             std::move(adapter),
                             RandomHead(config_.hidden_size, {"no", "yes"}, kFirstSeed));
}

}  // namespace fathom::bench
