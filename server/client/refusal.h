// What the details of a failed call say beside its code and message.
#pragma once

#include <grpcpp/support/status.h>

#include <cstdint>
#include <string>

namespace fathom {

struct Refusal {
  std::string reason;    // of google.rpc.ErrorInfo; empty: the status has no such detail
  int64_t retry_ms = 0;  // of google.rpc.RetryInfo; 0: none
};

// Pure. Details that cannot be parsed are as none.
Refusal ExplainStatus(const grpc::Status& status);

}  // namespace fathom
