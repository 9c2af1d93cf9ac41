#include "tests/bench/task_pool.h"

#include <numeric>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/support/random_model.h"

namespace fathom::bench {
namespace {

constexpr size_t kWholeTasks = 64;

}  // namespace

TaskPool::TaskPool(const EncoderConfig& config, int bottleneck)
    : config_(config), bottleneck_(bottleneck) {}

void TaskPool::Grow(int count) {
  std::vector<int> all_but_last(static_cast<size_t>(config_.layers) - 1);
  std::iota(all_but_last.begin(), all_but_last.end(), 0);
  while (tasks_.size() < static_cast<size_t>(count)) {
    const uint64_t seed = 10 + tasks_.size();
    const AdapterLayout layout = tasks_.size() < kWholeTasks
                                     ? PfeifferLayout(config_.layers)
                                     : PfeifferLayout(config_.layers, all_but_last);
    tasks_.emplace_back(TaskInfo{.name = absl::StrCat("task", tasks_.size())},
                        RandomAdapter(layout, config_.hidden_size, bottleneck_, seed),
                        RandomHead(config_.hidden_size, {"no", "yes"}, seed));
  }
}

}  // namespace fathom::bench
