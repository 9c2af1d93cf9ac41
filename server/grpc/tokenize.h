// Tokenize: what the engine's tokenizer makes of a call's inputs.
#pragma once

#include "absl/status/statusor.h"
#include "fathom/v1/inference_service.pb.h"
#include "runtime/engine.h"
#include "server/grpc/limits.h"

namespace fathom {

// INVALID_ARGUMENT names the field and the limit.
absl::StatusOr<v1::TokenizeResponse> TokenizeInputs(const Engine& engine,
                                                    const RequestLimits& limits,
                                                    const v1::TokenizeRequest& request);

}  // namespace fathom
