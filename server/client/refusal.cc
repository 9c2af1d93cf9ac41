#include "server/client/refusal.h"

#include <google/protobuf/util/time_util.h>
#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>

namespace fathom {

Refusal ExplainStatus(const grpc::Status& status) {
  Refusal refusal;
  google::rpc::Status rpc;
  if (!rpc.ParseFromString(status.error_details())) return refusal;
  google::rpc::ErrorInfo info;
  google::rpc::RetryInfo retry;
  for (const google::protobuf::Any& detail : rpc.details()) {
    if (detail.UnpackTo(&info)) {
      refusal.reason = info.reason();
    } else if (detail.UnpackTo(&retry)) {
      refusal.retry_ms =
          google::protobuf::util::TimeUtil::DurationToMilliseconds(retry.retry_delay());
    }
  }
  return refusal;
}

}  // namespace fathom
