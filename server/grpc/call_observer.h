// CallObserver: tells the metrics and the log of each call at its end.
#pragma once

#include <chrono>
#include <string>

#include "absl/status/status.h"
#include "server/grpc/call_log.h"
#include "server/metrics/metrics.h"

namespace fathom {

// Thread-safe.
class CallObserver {
 public:
  // `metrics` must outlive it.
  CallObserver(Metrics* metrics, const CallLogOptions& log) : metrics_(metrics), log_(log) {}

  // A call that began at `start`, and what the client was told. `observation` says how far it came.
  void Observe(const CallIdentity& call, CallObservation observation, const absl::Status& status,
               std::chrono::steady_clock::time_point start) const;

 private:
  Metrics* const metrics_;
  const CallLogOptions log_;
};

}  // namespace fathom
