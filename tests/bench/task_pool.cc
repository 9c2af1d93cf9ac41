#include "tests/bench/task_pool.h"

#include "absl/strings/str_cat.h"
#include "tests/support/random_model.h"

namespace fathom::bench {
namespace {

constexpr size_t kWholeTasks = 64;

}  // namespace

TaskPool::TaskPool(const EncoderConfig& config, int bottleneck)
    : config_(config), bottleneck_(bottleneck) {}

void TaskPool::Grow(int count) {
  while (tasks_.size() < static_cast<size_t>(count)) {
    const uint64_t seed = 10 + tasks_.size();
    Adapter adapter;
    if (whole_.size() < kWholeTasks) {
      adapter =
          RandomAdapter(PfeifferLayout(config_.layers), config_.hidden_size, bottleneck_, seed);
      whole_.push_back(adapter);
    } else {
      adapter = whole_[tasks_.size() % kWholeTasks];
      adapter.modules.back() =
          RandomAdapter(PfeifferLayout(1), config_.hidden_size, bottleneck_, seed).modules.back();
    }
    tasks_.emplace_back(TaskInfo{.name = absl::StrCat("task", tasks_.size())}, std::move(adapter),
                        RandomHead(config_.hidden_size, {"no", "yes"}, seed));
  }
}

}  // namespace fathom::bench
