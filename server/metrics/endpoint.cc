#include "server/metrics/endpoint.h"

#include <exception>

#include "absl/strings/str_cat.h"

namespace fathom {

absl::StatusOr<std::unique_ptr<MetricsEndpoint>> MetricsEndpoint::Start(
    const std::string& address,
    absl::Span<const std::shared_ptr<prometheus::Collectable>> collectables) {
  try {
    std::unique_ptr<MetricsEndpoint> endpoint(new MetricsEndpoint(address));
    for (const auto& collectable : collectables) {
      endpoint->exposer_.RegisterCollectable(collectable);
    }
    endpoint->port_ = endpoint->exposer_.GetListeningPorts().front();
    return endpoint;
  } catch (const std::exception&) {  // the library's text for this ("null context") says nothing
    return absl::UnavailableError(
        absl::StrCat("cannot serve metrics on ", address, "; is the port in use?"));
  }
}

}  // namespace fathom
