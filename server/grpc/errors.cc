#include "server/grpc/errors.h"

#include <google/rpc/error_details.pb.h>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "server/grpc/status.h"

namespace fathom {
namespace {

google::rpc::ErrorInfo Info(const std::string& reason) {
  google::rpc::ErrorInfo info;
  info.set_reason(reason);
  info.set_domain(kErrorDomain);
  return info;
}

}  // namespace

absl::Status InvalidField(const std::string& field, const std::string& what) {
  absl::Status status = absl::InvalidArgumentError(absl::StrCat(field, ": ", what));
  google::rpc::BadRequest bad_request;
  auto* violation = bad_request.add_field_violations();
  violation->set_field(field);
  violation->set_description(what);
  AttachDetail(bad_request, status);
  google::rpc::ErrorInfo info = Info("INVALID_FIELD");
  (*info.mutable_metadata())["field"] = field;
  AttachDetail(info, status);
  return status;
}

absl::Status AtField(const std::string& field, const absl::Status& status) {
  if (!absl::IsInvalidArgument(status)) return status;
  return InvalidField(field, std::string(status.message()));
}

absl::Status AtTask(const std::string& task, const absl::Status& status) {
  if (!absl::IsNotFound(status)) return status;
  absl::Status detailed = status;
  google::rpc::ResourceInfo resource;
  resource.set_resource_type("fathom.v1.Task");
  resource.set_resource_name(task);
  AttachDetail(resource, detailed);
  google::rpc::ErrorInfo info = Info("TASK_NOT_FOUND");
  (*info.mutable_metadata())["task"] = task;
  AttachDetail(info, detailed);
  return detailed;
}

absl::Status NotBuiltIn(const std::string& feature, const std::string& instead) {
  absl::Status status =
      absl::UnimplementedError(absl::StrCat(feature, " is not built in yet; ", instead));
  google::rpc::ErrorInfo info = Info("NOT_BUILT_IN");
  (*info.mutable_metadata())["feature"] = feature;
  AttachDetail(info, status);
  return status;
}

}  // namespace fathom
