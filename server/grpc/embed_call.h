// EmbedCall: one Embed from request to response, without gRPC: validate, find the task, tokenise,
// submit, and answer.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "fathom/v1/inference_service.pb.h"
#include "runtime/engine.h"
#include "server/grpc/predict_call.h"
#include "server/metrics/metrics.h"
#include "server/schedule/scheduler.h"

namespace fathom {

class EmbedCall : public std::enable_shared_from_this<EmbedCall> {
 public:
  // Called exactly once, on the thread of Start or of the scheduler.
  using Done = std::function<void(absl::StatusOr<v1::EmbedResponse>)>;

  // `cancelled` is set by the caller when the client has gone.
  EmbedCall(const PredictDeps& deps, absl::Time deadline,
            std::shared_ptr<const std::atomic<bool>> cancelled)
      : deps_(deps), deadline_(deadline), cancelled_(std::move(cancelled)) {}

  // Once. The call keeps itself alive until `done` has been called.
  void Start(v1::EmbedRequest request, Done done);

  // How far it came, with code and total left to the caller. After `done` was called. It counts
  // under its task, or as a call without one.
  const CallObservation& observation() const { return observation_; }

 private:
  absl::StatusOr<ScheduledRequest> Prepare();
  absl::StatusOr<ScheduledTask> FindTask() const;
  absl::Status TokenizeInputs(const ScheduledTask& task, ScheduledRequest& request);
  absl::StatusOr<v1::EmbedResponse> MakeResponse(const absl::StatusOr<ScheduledResult>& result);

  const PredictDeps deps_;
  const absl::Time deadline_;
  const std::shared_ptr<const std::atomic<bool>> cancelled_;

  v1::EmbedRequest request_;
  v1::EmbedResponse response_;  // ids, token counts and truncation are known before the pass
  int64_t tokens_ = 0;
  CallObservation observation_;
};

// Of one input: the state, or why there is none; scaled to length 1 if asked for, but that zeros
// stay zeros. A pure function.
v1::Embedding MakeEmbedding(const TaskOutput& output, int hidden_size, bool normalize);

}  // namespace fathom
