// The one place where an absl::Status becomes a gRPC status. Its payloads travel as google.rpc
// details, in the trailer grpc-status-details-bin.
#pragma once

#include <google/protobuf/message.h>
#include <google/rpc/status.pb.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/cord.h"

namespace fathom {

// Adds `detail` to the payloads of `status`, in place of one of the same type.
template <typename Message>
void AttachDetail(const Message& detail, absl::Status& status) {
  status.SetPayload("type.googleapis.com/" + Message::descriptor()->full_name(),
                    absl::Cord(detail.SerializeAsString()));
}

// For the error of one item. Adds an ErrorInfo, whose reason is ReasonOf(status) or else the name
// of the code, if there is none, a RetryInfo if the status has a delay (schedule/refusal.h), and
// cuts a message of over 2,000 bytes, so that it fits into a trailer.
google::rpc::Status ToRpcStatus(const absl::Status& status);

// For a whole call.
grpc::Status ToGrpcStatus(const absl::Status& status);

// Where `status` says when to try again (RetryInfo), says so to gRPC's own retries too. Before the
// call is finished.
void AddRetryTrailer(const absl::Status& status, grpc::ServerContextBase& context);

}  // namespace fathom
