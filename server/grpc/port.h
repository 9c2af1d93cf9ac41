// Port: a gRPC server on one address, with health and reflection for what it serves.
#pragma once

#include <grpcpp/server.h>

#include <chrono>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace fathom {

// How long connections live. The defaults are gRPC's own.
struct ConnectionOptions {
  int keepalive_seconds = 7200;        // a silent client is pinged after this
  int keepalive_timeout_seconds = 20;  // and cut off if it does not answer within this
  // A connection is closed after this (± 10 %), so that clients look for servers anew and new ones
  // get their share. Its calls are finished. 0: never.
  int max_age_seconds = 0;
};

class Port {
 public:
  // Serves when it returns, and health says so of `service_name` and of "". `address` is
  // HOST:PORT; port 0 takes a free one. `service` must outlive the port. UNAVAILABLE: an address
  // that cannot be listened on.
  static absl::StatusOr<std::unique_ptr<Port>> Open(const std::string& address,
                                                    grpc::Service* service,
                                                    const std::string& service_name,
                                                    int max_message_bytes,
                                                    const ConnectionOptions& connections = {});

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
