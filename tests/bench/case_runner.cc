#include "tests/bench/case_runner.h"

#include <c10/core/InferenceMode.h>

#include <deque>
#include <thread>

#include "runtime/pass_runner.h"
#include "runtime/thread_team.h"
#include "tests/bench/require.h"

namespace fathom::bench {
namespace {

class OnePassRunner : public CaseRunner {
 public:
  OnePassRunner(const std::shared_ptr<const Encoder>& encoder, const CacheOptions& options)
      : caches_(*encoder, options), runner_(encoder, caches_) {}

  void Run(absl::Span<const PassText> request) override {
    const c10::InferenceMode inference;
    Require(runner_.Run(request).status());
  }

  const PassPlan& plan() const override { return runner_.plan(); }

 private:
  PassCaches caches_;
  PassRunner runner_;
};

class SideBySideRunner : public CaseRunner {
 public:
  SideBySideRunner(const std::shared_ptr<const Encoder>& encoder, int passes)
      : whole_(encoder, {.tap_bytes = 0}) {
    for (int i = 0; i < passes; ++i) {
      parts_.emplace_back(encoder, CacheOptions{.tap_bytes = 0});
      teams_.emplace_back(i, passes, AllowedCores());
    }
  }

  void Run(absl::Span<const PassText> request) override {
    if (!planned_) whole_.Run(request);
    planned_ = true;
    const size_t count = parts_.size();
    std::vector<std::thread> threads;
    for (size_t i = 0; i < count; ++i) {
      const size_t first = request.size() * i / count;
      const size_t last = request.size() * (i + 1) / count;
      threads.emplace_back([this, i, part = request.subspan(first, last - first)] {
        teams_[i].Use(1);
        parts_[i].Run(part);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  const PassPlan& plan() const override { return whole_.plan(); }

 private:
  bool planned_ = false;
  OnePassRunner whole_;
  std::deque<OnePassRunner> parts_;
  std::deque<ThreadTeam> teams_;
};

}  // namespace

std::shared_ptr<CaseRunner> OnePass(const std::shared_ptr<const Encoder>& encoder,
                                    const CacheOptions& caches) {
  return std::make_shared<OnePassRunner>(encoder, caches);
}

std::shared_ptr<CaseRunner> SideBySide(const std::shared_ptr<const Encoder>& encoder, int passes) {
  return std::make_shared<SideBySideRunner>(encoder, passes);
}

}  // namespace fathom::bench
