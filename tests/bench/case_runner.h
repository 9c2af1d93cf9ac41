// CaseRunner: what runs the requests of a case.
#pragma once

#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "runtime/engine.h"
#include "runtime/model/encoder.h"
#include "runtime/pass/plan.h"

namespace fathom::bench {

// For one thread at a time.
class CaseRunner {
 public:
  virtual ~CaseRunner() = default;

  virtual void Run(absl::Span<const PassText> request) = 0;

  // Of the last Run.
  virtual const PassPlan& plan() const = 0;
};

// One pass on all threads, with these caches.
std::shared_ptr<CaseRunner> OnePass(const std::shared_ptr<const Encoder>& encoder,
                                    const CacheOptions& caches);

// The texts dealt out to `passes` passes at once, each on a pinned thread. plan() is that of one
// pass with all of them.
std::shared_ptr<CaseRunner> SideBySide(const std::shared_ptr<const Encoder>& encoder, int passes);

}  // namespace fathom::bench
