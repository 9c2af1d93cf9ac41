#include "server/grpc/call_recorder.h"

#include "absl/time/time.h"

namespace fathom {

void CallRecorder::Record(const BegunCall& call, CallObservation observation,
                          const absl::Status& status) const {
  observation.code = status.code();
  observation.total = absl::FromChrono(std::chrono::steady_clock::now() - call.start);
  if (!status.ok()) {
    for (CallObservation::Task& task : observation.tasks) task.code = status.code();
  }
  metrics_->ObserveCall(observation);
  LogCall({.request_id = call.request_id,
           .method = call.method,
           .status = status,
           .total = observation.total,
           .queue = observation.queue,
           .compute = observation.compute,
           .tasks = observation.tasks.size()},
          log_);
}

}  // namespace fathom
