#include "server/grpc/service.h"

#include <memory>
#include <utility>

#include "server/grpc/call_context.h"
#include "server/grpc/call_reactor.h"
#include "server/grpc/embed_call.h"
#include "server/grpc/metadata_depth.h"
#include "server/grpc/parse.h"
#include "server/grpc/predict_stream.h"
#include "server/grpc/status.h"
#include "server/grpc/task_list.h"
#include "server/grpc/tokenize.h"

namespace fathom {
namespace {

grpc::ServerUnaryReactor* FinishAt(grpc::CallbackServerContext& context,
                                   const absl::Status& status) {
  TakeRequestId(context);
  grpc::ServerUnaryReactor* reactor = context.DefaultReactor();
  reactor->Finish(ToGrpcStatus(status));
  return reactor;
}

}  // namespace

grpc::ServerUnaryReactor* InferenceServiceImpl::Predict(grpc::CallbackServerContext* context,
                                                        const grpc::ByteBuffer* request,
                                                        grpc::ByteBuffer* response) {
  auto* reactor = new CallReactor(deps_.scheduler, &recorder_, "Predict", context, response);
  v1::PredictRequest parsed;
  if (const absl::Status status = ParseMessage(*request, &parsed); !status.ok()) {
    reactor->Refuse(status);
    return reactor;
  }
  auto call = std::make_shared<PredictCall>(deps_, CallerOf(*context), reactor->cancelled());
  auto depth = DepthOfMetadata(context->client_metadata());
  if (!depth.ok()) {
    reactor->Refuse(depth.status());
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
  const absl::StatusOr<v1::ListTasksResponse> page =
      ListTasksPage(*deps_.engine, *deps_.policies, parsed);
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
                                                      const grpc::ByteBuffer* request,
                                                      grpc::ByteBuffer* response) {
  auto* reactor = new CallReactor(deps_.scheduler, &recorder_, "Embed", context, response);
  v1::EmbedRequest parsed;
  if (const absl::Status status = ParseMessage(*request, &parsed); !status.ok()) {
    reactor->Refuse(status);
    return reactor;
  }
  auto call = std::make_shared<EmbedCall>(deps_, CallerOf(*context), reactor->cancelled());
  call->Start(std::move(parsed),
              [reactor, call = call.get()](const absl::StatusOr<v1::EmbedResponse>& result) {
                reactor->Answer(result, call->observation());
              });
  return reactor;
}

grpc::ServerUnaryReactor* InferenceServiceImpl::Tokenize(grpc::CallbackServerContext* context,
                                                         const grpc::ByteBuffer* request,
                                                         grpc::ByteBuffer* response) {
  v1::TokenizeRequest parsed;
  if (const absl::Status status = ParseMessage(*request, &parsed); !status.ok()) {
    return FinishAt(*context, status);
  }
  const auto tokens = TokenizeInputs(*deps_.engine, deps_.limits, parsed);
  if (tokens.ok()) *response = SerializeMessage(*tokens);
  return FinishAt(*context, tokens.status());
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* InferenceServiceImpl::PredictStream(
    grpc::CallbackServerContext* context) {
  std::string request_id = TakeRequestId(*context);
  auto depth = DepthOfMetadata(context->client_metadata());
  if (!depth.ok()) return new RefusedStream(depth.status());
  return new PredictStreamReactor(deps_, &recorder_, std::move(request_id), CallerOf(*context),
                                  *std::move(depth));
}

}  // namespace fathom
