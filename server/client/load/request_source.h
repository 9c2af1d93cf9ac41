// RequestSource: the calls of a load, one after the other.
#pragma once

#include <random>

#include "absl/status/statusor.h"
#include "fathom/v1/inference_service.pb.h"
#include "server/client/load/options.h"

namespace fathom {

// Equal options give equal calls. Not thread-safe.
class RequestSource {
 public:
  // NOT_FOUND or INVALID_ARGUMENT: the file of texts cannot be read, or is empty.
  static absl::StatusOr<RequestSource> Create(const LoadOptions& options);

  // Input.id is the number of the text.
  v1::PredictRequest Next();

 private:
  RequestSource(const LoadOptions& options, TextSource texts);

  const DepthFlags depth_;
  const v1::PredictOptions options_;
  const int inputs_;
  std::mt19937_64 random_;
  TextSource texts_;
  Mix mix_;
};

}  // namespace fathom
