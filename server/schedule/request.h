// What the scheduler takes and gives back: a call's texts with the tasks wanted on each. Plain
// values; no gRPC, no Torch.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "runtime/depth/depth_choice.h"
#include "runtime/engine.h"
#include "runtime/pass/plan.h"
#include "runtime/text/text.h"

namespace fathom {

struct ScheduledTask {
  std::shared_ptr<const ServableTask> task;  // keeps the version alive until the answer; null: the
                                             // raw encoder
  int skip_layers = 0;                       // n, where `depth` is exact or once it was chosen
  DepthChoice depth = {.kind = DepthChoice::Kind::kExact};
  PassOutput output = PassOutput::kHead;
  bool bypass_caches = false;  // as PassTask's
};

// As the engine takes it, at the n that stands in it. The task must outlive it.
inline PassTask ToPassTask(const ScheduledTask& task) {
  return {.task = task.task.get(),
          .skip_layers = task.skip_layers,
          .output = task.output,
          .bypass_caches = task.bypass_caches};
}

struct ScheduledText {
  TokenizedText text;
  std::vector<ScheduledTask> tasks;
};

struct ScheduledRequest {
  std::vector<ScheduledText> texts;
  absl::Time arrival = absl::InfinitePast();  // at the server; InfinitePast: when it is submitted
  absl::Time deadline = absl::InfiniteFuture();
  int priority = 0;    // 0 … 9, higher goes first
  std::string client;  // whom to be fair to; empty: one of its own kind
  // Set to true by the caller, from any thread, when nobody waits for the answer any more. Null:
  // never.
  std::shared_ptr<const std::atomic<bool>> cancelled;
};

struct ScheduledResult {
  std::vector<std::vector<TaskOutput>> outputs;  // [texts][tasks], in the order of the request
  std::vector<std::vector<ChosenDepth>> depths;  // the same
  Work work;  // of the request; of what another one wants too it is counted to the first of them
  absl::Duration queue;        // from Submit to the answer, without compute
  absl::Duration compute;      // of all passes that held a part of the request
  int passes = 0;              // how many those were
  int largest_pass_texts = 0;  // texts, of all callers, in the fullest of them
};

using ScheduledDone = absl::AnyInvocable<void(absl::StatusOr<ScheduledResult>) &&>;

}  // namespace fathom
