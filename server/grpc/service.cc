#include "server/grpc/service.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <utility>

#include "server/grpc/errors.h"
#include "server/grpc/metadata_depth.h"
#include "server/grpc/parse.h"
#include "server/grpc/status.h"
#include "server/grpc/task_list.h"

namespace fathom {
namespace {

// The call's id, which the client gets back.
std::string TakeRequestId(grpc::CallbackServerContext& context) {
  std::string id = RequestIdOf(context.client_metadata());
  context.AddTrailingMetadata(kRequestIdKey, id);
  return id;
}

absl::Time Deadline(const grpc::CallbackServerContext& context) {
  const std::chrono::system_clock::time_point deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) return absl::InfiniteFuture();
  return absl::FromChrono(deadline);
}

grpc::ServerUnaryReactor* FinishAt(grpc::CallbackServerContext& context,
                                   const absl::Status& status) {
  TakeRequestId(context);
  grpc::ServerUnaryReactor* reactor = context.DefaultReactor();
  reactor->Finish(ToGrpcStatus(status));
  return reactor;
}

// A Predict in progress: finishes the call, and observes it under the status the client gets.
// Deletes itself when gRPC is done with it.
class PredictReactor : public grpc::ServerUnaryReactor {
 public:
  PredictReactor(Scheduler* scheduler, Metrics* metrics, const CallLogOptions& call_log,
                 std::string request_id, grpc::ByteBuffer* response)
      : scheduler_(scheduler),
        metrics_(metrics),
        call_log_(call_log),
        request_id_(std::move(request_id)),
        response_(response) {}

  std::shared_ptr<const std::atomic<bool>> cancelled() const { return cancelled_; }

  // Once. After it the reactor must not be touched.
  void Answer(const absl::StatusOr<v1::PredictResponse>& response, CallObservation observation) {
    absl::Status status = response.status();
    // Nobody reads an answer to a call that has been given up.
    if (status.ok() && cancelled_->load()) status = absl::CancelledError("the client has gone");
    if (status.ok()) *response_ = SerializeMessage(*response);
    observation.code = status.code();
    observation.total = absl::FromChrono(std::chrono::steady_clock::now() - start_);
    if (!status.ok()) {
      for (CallObservation::Task& task : observation.tasks) task.code = status.code();
    }
    metrics_->ObserveCall(observation);
    LogCall({.request_id = request_id_,
             .method = "Predict",
             .status = status,
             .total = observation.total,
             .queue = observation.queue,
             .compute = observation.compute,
             .tasks = observation.tasks.size()},
            call_log_);
    Finish(ToGrpcStatus(status));
  }

 private:
  void OnCancel() override {
    cancelled_->store(true);
    scheduler_->DropCancelled();
  }
  void OnDone() override { delete this; }

  Scheduler* const scheduler_;
  Metrics* const metrics_;
  const CallLogOptions call_log_;
  const std::string request_id_;
  grpc::ByteBuffer* const response_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  const std::shared_ptr<std::atomic<bool>> cancelled_ = std::make_shared<std::atomic<bool>>(false);
};

// Ends a stream at once.
class RefusedStream
    : public grpc::ServerBidiReactor<v1::PredictStreamRequest, v1::PredictStreamResponse> {
 public:
  explicit RefusedStream(const absl::Status& status) { Finish(ToGrpcStatus(status)); }

 private:
  void OnDone() override { delete this; }
};

}  // namespace

grpc::ServerUnaryReactor* InferenceServiceImpl::Predict(grpc::CallbackServerContext* context,
                                                        const grpc::ByteBuffer* request,
                                                        grpc::ByteBuffer* response) {
  auto* reactor =
      new PredictReactor(deps_.scheduler, metrics_, call_log_, TakeRequestId(*context), response);
  v1::PredictRequest parsed;
  if (const absl::Status status = ParseMessage(*request, &parsed); !status.ok()) {
    reactor->Answer(status, {});
    return reactor;
  }
  auto call = std::make_shared<PredictCall>(deps_, Deadline(*context), reactor->cancelled());
  auto depth = DepthOfMetadata(context->client_metadata());
  if (!depth.ok()) {
    reactor->Answer(depth.status(), {});
    return reactor;
  }
  if (depth->has_value()) call->SetMetadataDepth(**std::move(depth));
  // The call outlives its own answer: Start, or the scheduler, holds it meanwhile.
  call->Start(std::move(parsed),
              [reactor, call = call.get()](const absl::StatusOr<v1::PredictResponse>& result) {
                reactor->Answer(result, call->observation());
              });
  return reactor;
}

grpc::ServerUnaryReactor* InferenceServiceImpl::ListTasks(grpc::CallbackServerContext* context,
                                                          const grpc::ByteBuffer* request,
                                                          grpc::ByteBuffer* response) {
  v1::ListTasksRequest parsed;
  if (const absl::Status status = ParseMessage(*request, &parsed); !status.ok()) {
    return FinishAt(*context, status);
  }
  const absl::StatusOr<v1::ListTasksResponse> page = ListTasksPage(*deps_.engine, parsed);
  if (page.ok()) *response = SerializeMessage(*page);
  return FinishAt(*context, page.status());
}

grpc::ServerUnaryReactor* InferenceServiceImpl::GetServerInfo(grpc::CallbackServerContext* context,
                                                              const grpc::ByteBuffer* request,
                                                              grpc::ByteBuffer* response) {
  v1::GetServerInfoRequest parsed;
  const absl::Status status = ParseMessage(*request, &parsed);
  if (status.ok()) {
    *response = SerializeMessage(MakeServerInfo(deps_.engine->encoder(), deps_.limits, version_));
  }
  return FinishAt(*context, status);
}

grpc::ServerUnaryReactor* InferenceServiceImpl::Embed(grpc::CallbackServerContext* context,
                                                      const v1::EmbedRequest* /*request*/,
                                                      v1::EmbedResponse* /*response*/) {
  return FinishAt(*context, NotBuiltIn("Embed", "Predict is"));
}

grpc::ServerUnaryReactor* InferenceServiceImpl::Tokenize(grpc::CallbackServerContext* context,
                                                         const v1::TokenizeRequest* /*request*/,
                                                         v1::TokenizeResponse* /*response*/) {
  return FinishAt(*context, NotBuiltIn("Tokenize", "Predict tokenises on its own"));
}

grpc::ServerBidiReactor<v1::PredictStreamRequest, v1::PredictStreamResponse>*
InferenceServiceImpl::PredictStream(grpc::CallbackServerContext* context) {
  TakeRequestId(*context);
  return new RefusedStream(
      NotBuiltIn("PredictStream", "send each request with Predict; many may run at once"));
}

}  // namespace fathom
