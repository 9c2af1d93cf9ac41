// What a server says of itself and its tasks, as text that a person reads. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "fathom/v1/admin_service.pb.h"
#include "fathom/v1/inference_service.pb.h"

namespace fathom {

// One row a task; those that were refused at load last, with the reason.
std::string TasksReport(const std::vector<v1::TaskInfo>& tasks);

std::string InfoReport(const v1::GetServerInfoResponse& info);

// A line a version of a task that was loaded, unloaded or refused.
std::string ScanReportText(const v1::ScanTasksResponse& scan);

std::string DepthPolicyReport(const v1::SetDepthPolicyRequest& policy);

}  // namespace fathom
