// MetricsEndpoint: GET /metrics over HTTP, on a port of its own.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace fathom {

class MetricsEndpoint {
 public:
  // `address` is HOST:PORT; port 0 takes a free one. Serves what `collectables` hold, as long as
  // they live. UNAVAILABLE if the address cannot be listened on.
  static absl::StatusOr<std::unique_ptr<MetricsEndpoint>> Start(
      const std::string& address,
      absl::Span<const std::shared_ptr<prometheus::Collectable>> collectables);

  int port() const { return port_; }

 private:
  explicit MetricsEndpoint(const std::string& address) : exposer_(address, /*num_threads=*/1) {}

  prometheus::Exposer exposer_;
  int port_ = 0;
};

}  // namespace fathom
