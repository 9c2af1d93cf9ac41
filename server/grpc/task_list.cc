#include "server/grpc/task_list.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "runtime/depth/depth_policy.h"
#include "server/grpc/answer.h"
#include "server/grpc/errors.h"
#include "server/grpc/status.h"

namespace fathom {
namespace {

constexpr uint32_t kDefaultPageSize = 100;
constexpr uint32_t kMaxPageSize = 1000;

using TaskKey = std::pair<std::string, int>;  // name, version: the order of the list

std::string MakeToken(const TaskKey& last) {
  return absl::WebSafeBase64Escape(absl::StrCat(last.second, "/", last.first));
}

absl::StatusOr<TaskKey> ParseToken(const std::string& token) {
  std::string plain;
  int version = 0;
  if (absl::WebSafeBase64Unescape(token, &plain)) {
    const size_t slash = plain.find('/');
    if (slash != std::string::npos && absl::SimpleAtoi(plain.substr(0, slash), &version)) {
      return TaskKey(plain.substr(slash + 1), version);
    }
  }
  return InvalidField("page_token", "not a token of this server; start again without one");
}

v1::HeadKind ToProto(HeadKind head) {
  switch (head) {
    case HeadKind::kClassification:
      return v1::HEAD_KIND_CLASSIFICATION;
    case HeadKind::kRegression:
      return v1::HEAD_KIND_REGRESSION;
    case HeadKind::kMultiLabel:
      return v1::HEAD_KIND_MULTI_LABEL;
    case HeadKind::kTagging:
      return v1::HEAD_KIND_TAGGING;
  }
  return v1::HEAD_KIND_UNSPECIFIED;
}

void WriteProfile(const TaskInfo& task, v1::TaskInfo& out) {
  if (!task.profile) return;
  for (const DepthPoint& point : task.profile->points) {
    v1::ProfilePoint* added = out.add_profile();
    added->set_skip_layers(static_cast<uint32_t>(point.skip_layers));
    *added->mutable_quality() = *QualityAt(task, point.skip_layers);
    added->set_trained(task.trained_skip_layers.Contains(point.skip_layers));
  }
  if (task.profile->majority_baseline) {
    out.set_majority_baseline(static_cast<float>(*task.profile->majority_baseline));
  }
}

bool IsDefaultVersion(const Engine& engine, const TaskInfo& task) {
  const auto found = engine.FindTask(task.name, 0);
  return found.ok() && (*found)->info().version == task.version;
}

}  // namespace

v1::TaskInfo MakeTaskInfo(const Engine& engine, const TaskDepthPolicies& policies,
                          const TaskInfo& task) {
  v1::TaskInfo out;
  out.set_name(task.name);
  out.set_version(static_cast<uint32_t>(task.version));
  if (!task.load_status.ok()) {
    *out.mutable_load_error() = ToRpcStatus(task.load_status);
    return out;
  }
  out.mutable_labels()->Add(task.labels.begin(), task.labels.end());
  out.set_default_skip_layers(static_cast<uint32_t>(DefaultDepth(task, policies.Get(task.name))));
  out.set_method(task.method);
  out.set_head(ToProto(task.head));
  out.set_architecture(task.architecture);
  out.mutable_trained_skip_layers()->set_first(
      static_cast<uint32_t>(task.trained_skip_layers.first));
  out.mutable_trained_skip_layers()->set_last(static_cast<uint32_t>(task.trained_skip_layers.last));
  out.set_default_version(IsDefaultVersion(engine, task));
  WriteProfile(task, out);
  return out;
}

absl::StatusOr<v1::ListTasksResponse> ListTasksPage(const Engine& engine,
                                                    const TaskDepthPolicies& policies,
                                                    const v1::ListTasksRequest& request) {
  TaskKey after("", -1);
  if (!request.page_token().empty()) {
    absl::StatusOr<TaskKey> parsed = ParseToken(request.page_token());
    if (!parsed.ok()) return parsed.status();
    after = *std::move(parsed);
  }
  const uint32_t size =
      request.page_size() == 0 ? kDefaultPageSize : std::min(request.page_size(), kMaxPageSize);

  v1::ListTasksResponse page;
  TaskKey last;
  for (const TaskInfo& task : engine.ListTasks()) {
    TaskKey key(task.name, task.version);
    if (key <= after || !absl::StartsWith(task.name, request.name_prefix())) continue;
    if (page.tasks_size() >= static_cast<int>(size) && key != last) {
      page.set_next_page_token(MakeToken(last));
      break;
    }
    *page.add_tasks() = MakeTaskInfo(engine, policies, task);
    last = std::move(key);
  }
  return page;
}

v1::GetServerInfoResponse MakeServerInfo(const EncoderInfo& encoder, const RequestLimits& limits,
                                         const std::string& version) {
  v1::GetServerInfoResponse info;
  info.set_version(version);
  info.set_encoder(encoder.name);
  info.set_encoder_fingerprint(encoder.fingerprint);
  info.set_layers(static_cast<uint32_t>(encoder.layers));
  info.set_hidden_size(static_cast<uint32_t>(encoder.hidden_size));
  info.set_max_inputs(static_cast<uint32_t>(limits.max_inputs));
  info.set_max_tasks(static_cast<uint32_t>(limits.max_tasks));
  info.set_max_tokens(static_cast<uint32_t>(encoder.max_tokens));
  info.set_precision(encoder.precision);
  info.set_device(encoder.device);
  return info;
}

}  // namespace fathom
