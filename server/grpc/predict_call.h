// PredictCall: one Predict from request to response, without gRPC: validate, find tasks, resolve
// depths, tokenise, submit, and answer.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "fathom/v1/inference_service.pb.h"
#include "runtime/engine.h"
#include "server/depth/task_depth_policies.h"
#include "server/grpc/caller.h"
#include "server/grpc/depth.h"
#include "server/grpc/limits.h"
#include "server/metrics/metrics.h"
#include "server/schedule/scheduler.h"

namespace fathom {

// What a call is worked with. All are the server's own and outlive its calls.
struct PredictDeps {
  const Engine* engine = nullptr;
  Scheduler* scheduler = nullptr;
  const TaskDepthPolicies* policies = nullptr;
  RequestLimits limits;
};

class PredictCall : public std::enable_shared_from_this<PredictCall> {
 public:
  // Called exactly once, on the thread of Start or of the scheduler.
  using Done = std::function<void(absl::StatusOr<v1::PredictResponse>)>;

  // `cancelled` is set by the caller when the client has gone.
  PredictCall(PredictDeps deps, Caller caller, std::shared_ptr<const std::atomic<bool>> cancelled)
      : deps_(deps), caller_(std::move(caller)), cancelled_(std::move(cancelled)) {}

  // Before Start: the depth of tasks for which neither they nor the request name one, as the call's
  // metadata gives it.
  void SetMetadataDepth(v1::Depth depth) { metadata_depth_ = std::move(depth); }

  // Once. The call keeps itself alive until `done` has been called.
  void Start(v1::PredictRequest request, Done done);

  // How far it came, with code and total left to the caller. After `done` was called.
  const CallObservation& observation() const { return observation_; }

 private:
  struct Task {
    std::shared_ptr<const ServableTask> task;
    DepthChoice depth;
  };

  absl::StatusOr<ScheduledRequest> Prepare();
  absl::Status FindTasks();
  absl::StatusOr<DepthChoice> DepthOfTask(int task, const TaskInfo& info) const;
  bool TagsTokens() const;
  absl::Status TokenizeInputs(ScheduledRequest& request);
  absl::StatusOr<v1::PredictResponse> MakeResponse(absl::StatusOr<ScheduledResult> result);
  ChosenDepth DepthOfAnswer(const ScheduledResult& result, size_t text, size_t task,
                            absl::Duration elapsed) const;

  const PredictDeps deps_;
  const Caller caller_;
  const std::shared_ptr<const std::atomic<bool>> cancelled_;

  const absl::Time arrival_ = absl::Now();
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();

  v1::PredictRequest request_;
  std::optional<v1::Depth> metadata_depth_;
  std::vector<Task> tasks_;
  v1::PredictResponse response_;  // ids, token counts and truncation are known before the pass
  std::vector<std::vector<TokenSpan>> spans_;  // [inputs]; empty where nobody asks for them
  int64_t tokens_ = 0;
  CallObservation observation_;
};

}  // namespace fathom
