// Answers of the server as text that a person reads. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "fathom/v1/inference_service.pb.h"

namespace fathom {

// One row a (text, task), then one line with what it cost. `texts` are what was asked, in order.
std::string PredictReport(const std::vector<std::string>& texts,
                          const v1::PredictResponse& response);

// One row a task; those that were refused at load last, with the reason.
std::string TasksReport(const std::vector<v1::TaskInfo>& tasks);

std::string InfoReport(const v1::GetServerInfoResponse& info);

}  // namespace fathom
