// ServerDepthChooser: chooses the depths of calls for the scheduler, by the policy of each task,
// the engine's predictions, the queue, and how answers agreed so far.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "runtime/depth/brownout.h"
#include "runtime/depth/depth_policy.h"
#include "runtime/engine.h"
#include "server/depth/call_depths.h"
#include "server/depth/drift_guards.h"
#include "server/depth/task_depth_policies.h"
#include "server/schedule/clock.h"
#include "server/schedule/depth_chooser.h"

namespace fathom {

// What metrics show. Cheap to make: as large as the tasks that were compared.
struct DepthReport {
  int brownout_steps = 0;
  std::vector<TaskAgreement> agreements;  // by task and version
};

// Thread-safe.
class ServerDepthChooser : public DepthChooser {
 public:
  // Above this share of the queue's limit no answer is compared with n = 0, nor while n is raised
  // by brown-out: the comparison is the first thing to be dropped under load.
  static constexpr double kShadowsUntil = 0.5;

  // All must outlive it. `clock` is the scheduler's; null: the system's.
  ServerDepthChooser(const Engine* engine, const TaskDepthPolicies* policies,
                     const Clock* clock = nullptr);

  std::vector<std::vector<ChosenDepth>> Choose(absl::Span<const ScheduledText> texts,
                                               const CutMoment& moment) override;
  void OnShadow(const ServableTask& task, int skip_layers, const TaskOutput& chosen,
                const TaskOutput& at_zero) override;
  void OnQueueShare(double share, absl::Time now) override;

  // The operator has looked at the task: its automatic n may rise again, until answers drift again.
  void ResetGuard(const std::string& task) { guards_.Reset(task); }

  DepthReport report() const;

 private:
  int BrownoutSteps() const;
  std::vector<DepthQuestion> Ask(const CallDepths& call) const;
  void TakeShadows(const CallDepths& call, absl::Span<const DepthQuestion> questions,
                   std::vector<std::vector<ChosenDepth>>& chosen);

  const Engine* const engine_;
  const TaskDepthPolicies* const policies_;
  const Clock* const clock_;
  DriftGuards guards_;

  mutable std::mutex mutex_;  // guards what follows
  Brownout brownout_;
};

}  // namespace fathom
