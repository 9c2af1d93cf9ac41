// ListTasks, TaskInfo and GetServerInfo: what the engine says of itself, as messages. No state of
// their own.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "fathom/v1/inference_service.pb.h"
#include "runtime/engine.h"
#include "server/depth/task_depth_policies.h"
#include "server/grpc/limits.h"

namespace fathom {

// A page of tasks by name and version, with the given prefix. The page token names the last task of
// the page before, so a page stays right when tasks come and go; the two entries of a version whose
// newer files were refused are on one page, which may then hold one more. INVALID_ARGUMENT: a token
// that this server did not make.
absl::StatusOr<v1::ListTasksResponse> ListTasksPage(const Engine& engine,
                                                    const TaskDepthPolicies& policies,
                                                    const v1::ListTasksRequest& request);

// `task` is of the engine's. Its default n is the operator's where one was set.
v1::TaskInfo MakeTaskInfo(const Engine& engine, const TaskDepthPolicies& policies,
                          const TaskInfo& task);

v1::GetServerInfoResponse MakeServerInfo(const EncoderInfo& encoder, const RequestLimits& limits,
                                         const std::string& version);

}  // namespace fathom
