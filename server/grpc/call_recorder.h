// CallRecorder: what becomes of a call at its end: it is counted, and logged where it failed or was
// slow.
#pragma once

#include <chrono>
#include <string>

#include "absl/status/status.h"
#include "server/grpc/call_log.h"
#include "server/metrics/metrics.h"

namespace fathom {

// A call as it began.
struct BegunCall {
  std::string method;      // "Predict"
  std::string request_id;  // as RequestIdOf
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
};

// Thread-safe.
class CallRecorder {
 public:
  // `metrics` must outlive it.
  CallRecorder(Metrics* metrics, const CallLogOptions& log) : metrics_(metrics), log_(log) {}

  // Once a call, with what the client is told. `observation` says how far it came; its code, its
  // tasks' codes and its total are filled in here.
  void Record(const BegunCall& call, CallObservation observation, const absl::Status& status) const;

 private:
  Metrics* const metrics_;
  const CallLogOptions log_;
};

}  // namespace fathom
