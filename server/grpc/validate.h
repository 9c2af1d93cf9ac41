// What can be told of a request from its own fields and the limits alone.
#pragma once

#include "absl/status/status.h"
#include "fathom/v1/inference_service.pb.h"
#include "server/grpc/limits.h"

namespace fathom {

// INVALID_ARGUMENT names the field and the limit; UNIMPLEMENTED what is not built in.
absl::Status ValidatePredict(const v1::PredictRequest& request, const RequestLimits& limits);
absl::Status ValidateEmbed(const v1::EmbedRequest& request, const RequestLimits& limits);
absl::Status ValidateTokenize(const v1::TokenizeRequest& request, const RequestLimits& limits);

}  // namespace fathom
