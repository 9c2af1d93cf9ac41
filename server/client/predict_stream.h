// `fathom predict --stream`.
#pragma once

#include <vector>

#include "server/client/connection.h"
#include "server/client/predict_request.h"

namespace fathom {

// Sends one call a text over one stream and shows each answer as it comes, which need not be in the
// order of the texts: a line a task, or one JSON message a line. Returns the exit code: 1 if the
// stream, a call or an item failed.
int PredictOverStream(const Connection& connection, const PredictFlags& flags,
                      const std::vector<Text>& texts);

}  // namespace fathom
