// PredictStreamReactor: a stream of Predict calls. Each is worked on as if it had come alone, and
// answered when it is ready.
//
// Flow control: a call holds one of limits.max_stream_requests places from when it is read until
// its answer has been written. Without a free place the stream is not read, so that what a client
// that never reads can occupy is bounded; HTTP/2 then holds the client back.
//
// The end: with the last answer after the client's half-close, or, once the client has gone, when
// every call that was accepted has come back.
#pragma once

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "fathom/v1/inference_service.pb.h"
#include "server/grpc/call_observer.h"
#include "server/grpc/predict_call.h"
#include "server/grpc/status.h"

namespace fathom {

// Deletes itself when gRPC is done with it.
class PredictStreamReactor : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  // `observer` must outlive the stream. `request_id` is the stream's. The deadline is the stream's,
  // so that of each of its calls; the depth that its metadata gives is for each of them too.
  PredictStreamReactor(const PredictDeps& deps, const CallObserver* observer,
                       std::string request_id, absl::Time deadline,
                       std::optional<v1::Depth> metadata_depth);

 private:
  using Clock = std::chrono::steady_clock;

  // What is to be done next, decided under the lock and done without it.
  struct Next {
    bool read = false;
    bool write = false;
    bool finish = false;
  };

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override { delete this; }

  // Changes the state and does what follows from it. Any thread. A place, or a read or write in
  // progress, keeps the reactor alive; who gives up the last of them must not touch it any more.
  void Update(absl::FunctionRef<void()> change);

  // REQUIRES for these: mutex_ held.
  Next Decide();
  void GiveUp();  // nobody will read an answer

  void Work(const grpc::ByteBuffer& bytes);
  void Answer(const std::string& request_id, absl::StatusOr<v1::PredictResponse> response,
              const CallObservation& observation, Clock::time_point start);

  const PredictDeps deps_;
  const CallObserver* const observer_;
  const std::string request_id_;
  const absl::Time deadline_;
  const std::optional<v1::Depth> metadata_depth_;
  const std::shared_ptr<std::atomic<bool>> cancelled_ = std::make_shared<std::atomic<bool>>(false);

  grpc::ByteBuffer incoming_;  // gRPC's while reading_
  grpc::ByteBuffer outgoing_;  // gRPC's while writing_

  std::mutex mutex_;  // guards what follows
  std::deque<grpc::ByteBuffer> answers_;
  int places_taken_ = 0;
  bool reading_ = false;
  bool writing_ = false;
  bool reads_ended_ = false;  // by the client's half-close or its end
  bool given_up_ = false;
  bool finished_ = false;
};

// Ends a stream at once.
class RefusedStream : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  explicit RefusedStream(const absl::Status& status) { Finish(ToGrpcStatus(status)); }

 private:
  void OnDone() override { delete this; }
};

}  // namespace fathom
