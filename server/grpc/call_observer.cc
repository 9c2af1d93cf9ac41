#include "server/grpc/call_observer.h"

namespace fathom {

void CallObserver::Observe(const CallIdentity& call, CallObservation observation,
                           const absl::Status& status,
                           std::chrono::steady_clock::time_point start) const {
  observation.code = status.code();
  observation.total = absl::FromChrono(std::chrono::steady_clock::now() - start);
  if (!status.ok()) {
    for (CallObservation::Task& task : observation.tasks) task.code = status.code();
  }
  metrics_->ObserveCall(observation);
  LogCall({.call = call,
           .status = status,
           .total = observation.total,
           .queue = observation.queue,
           .compute = observation.compute,
           .tasks = observation.tasks.size()},
          log_);
}

}  // namespace fathom
