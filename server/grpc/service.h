// InferenceService over gRPC's callback API. Handlers are thin: parse, hand on, answer.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "fathom/v1/inference_service.grpc.pb.h"
#include "server/grpc/call_observer.h"
#include "server/grpc/predict_call.h"
#include "server/metrics/metrics.h"

namespace fathom {

// Raw methods hand over bytes, which ParseMessage reads (server/grpc/parse.h says why).
using InferenceServiceBase = v1::InferenceService::WithRawCallbackMethod_Predict<
    v1::InferenceService::WithRawCallbackMethod_ListTasks<
        v1::InferenceService::WithRawCallbackMethod_GetServerInfo<
            v1::InferenceService::WithRawCallbackMethod_PredictStream<
                v1::InferenceService::WithRawCallbackMethod_Embed<
                    v1::InferenceService::WithRawCallbackMethod_Tokenize<
                        v1::InferenceService::Service>>>>>>;

// Thread-safe.
class InferenceServiceImpl : public InferenceServiceBase {
 public:
  // `deps` and `metrics` must outlive the service.
  InferenceServiceImpl(const PredictDeps& deps, Metrics* metrics, const CallLogOptions& call_log,
                       std::string version)
      : deps_(deps), observer_(metrics, call_log), version_(std::move(version)) {}

  grpc::ServerUnaryReactor* Predict(grpc::CallbackServerContext* context,
                                    const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListTasks(grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetServerInfo(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Embed(grpc::CallbackServerContext* context,
                                  const grpc::ByteBuffer* request,
                                  grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Tokenize(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request,
                                     grpc::ByteBuffer* response) override;
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* PredictStream(
      grpc::CallbackServerContext* context) override;

 private:
  const PredictDeps deps_;
  const CallObserver observer_;
  const std::string version_;
};

}  // namespace fathom
