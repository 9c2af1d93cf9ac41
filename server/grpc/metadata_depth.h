// The depth that a call gives in its metadata, for clients and proxies that cannot change a
// request.
#pragma once

#include <grpcpp/support/string_ref.h>

#include <map>
#include <optional>

#include "absl/status/statusor.h"
#include "fathom/v1/depth.pb.h"
#include "server/grpc/depth.h"

namespace fathom {

using CallMetadata = std::multimap<grpc::string_ref, grpc::string_ref>;

// The keys: x-fathom-skip-layers, x-fathom-latency-budget-ms, x-fathom-min-quality,
// x-fathom-quality-floor.
DepthNames MetadataKeys();

// Nothing where no key is there. INVALID_ARGUMENT names the key: not a number, out of range, given
// twice, or beside another choice. What depends on a task is left to ResolveDepth.
absl::StatusOr<std::optional<v1::Depth>> DepthOfMetadata(const CallMetadata& metadata);

}  // namespace fathom
