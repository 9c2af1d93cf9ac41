// Port: a gRPC server on one address, with health and reflection for what it serves.
#pragma once

#include <grpcpp/server.h>

#include <chrono>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace fathom {

class Port {
 public:
  // Serves when it returns, and health says so of `service_name` and of "". `address` is
  // HOST:PORT; port 0 takes a free one. `service` must outlive the port. UNAVAILABLE: an address
  // that cannot be listened on.
  static absl::StatusOr<std::unique_ptr<Port>> Open(const std::string& address,
                                                    grpc::Service* service,
                                                    const std::string& service_name,
                                                    int max_message_bytes);

  int number() const { return number_; }

  // Health says NOT_SERVING from now on.
  void SetNotServing();

  // Takes no more calls, and returns when the last one has ended, cut off after `grace`.
  void Close(std::chrono::seconds grace);

 private:
  Port() = default;

  std::unique_ptr<grpc::Server> server_;
  int number_ = 0;
};

}  // namespace fathom
