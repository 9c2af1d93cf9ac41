// What `fathom predict` asks, and how the answers of several calls become one. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "absl/types/span.h"
#include "fathom/v1/inference_service.pb.h"
#include "server/client/depth_spec.h"
#include "server/client/text_list.h"

namespace fathom {

struct PredictFlags {
  TextFlags texts;
  std::vector<v1::TaskSelector> tasks;  // without the depths of `depth`
  bool all_tasks = false;               // those of the server
  DepthFlags depth;
  v1::PredictOptions options;
  bool stream = false;  // one call a text, over one stream
};

v1::PredictRequest MakePredictRequest(const PredictFlags& flags, absl::Span<const Text> texts);

// Adds the answers of one call, and what they cost, to those before it.
void AppendAnswers(const v1::PredictResponse& call, v1::PredictResponse& all);

// Adds what one call cost; batch_inputs becomes the larger one.
void AddUsage(const v1::Usage& call, v1::Usage& sum);

bool HasItemError(const v1::PredictResponse& response);

}  // namespace fathom
