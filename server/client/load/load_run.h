// Sends a load to a server and collects what comes of it.
#pragma once

#include "absl/status/statusor.h"
#include "server/client/connection.h"
#include "server/client/load/load_report.h"
#include "server/client/load/options.h"

namespace fathom {

// On the calling thread alone: it sends what is due and takes answers from one completion queue, so
// any number of calls can be in flight. Returns when the last one is answered, or has run into its
// deadline. NOT_FOUND or INVALID_ARGUMENT: a file that cannot be used; nothing was sent.
absl::StatusOr<LoadResult> RunLoad(const Connection& connection, const LoadOptions& options);

}  // namespace fathom
