// CallReactor: a unary call in progress. It finishes the call, and observes it under the status
// that the client gets.
#pragma once

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/grpc/call_observer.h"
#include "server/grpc/parse.h"
#include "server/grpc/status.h"
#include "server/schedule/scheduler.h"

namespace fathom {

// Deletes itself when gRPC is done with it.
class CallReactor : public grpc::ServerUnaryReactor {
 public:
  // What is pointed to must outlive the call.
  CallReactor(Scheduler* scheduler, const CallObserver* observer, CallIdentity call,
              grpc::ByteBuffer* response)
      : scheduler_(scheduler), observer_(observer), call_(std::move(call)), response_(response) {}

  // Set when the client has gone.
  std::shared_ptr<const std::atomic<bool>> cancelled() const { return cancelled_; }

  // Once, one of the two. After it the reactor must not be touched.
  void Refuse(const absl::Status& status) { End(status, {}); }
  template <typename Response>
  void Answer(const absl::StatusOr<Response>& response, CallObservation observation) {
    absl::Status status = response.status();
    // Nobody reads an answer to a call that has been given up.
    if (status.ok() && cancelled_->load()) status = absl::CancelledError("the client has gone");
    if (status.ok()) *response_ = SerializeMessage(*response);
    End(status, std::move(observation));
  }

 private:
  void End(const absl::Status& status, CallObservation observation) {
    observer_->Observe(call_, std::move(observation), status, start_);
    Finish(ToGrpcStatus(status));
  }
  void OnCancel() override {
    cancelled_->store(true);
    scheduler_->DropCancelled();
  }
  void OnDone() override { delete this; }

  Scheduler* const scheduler_;
  const CallObserver* const observer_;
  const CallIdentity call_;
  grpc::ByteBuffer* const response_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  const std::shared_ptr<std::atomic<bool>> cancelled_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace fathom
