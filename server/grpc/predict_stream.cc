#include "server/grpc/predict_stream.h"

#include <utility>

#include "runtime/text/utf8.h"
#include "server/grpc/errors.h"
#include "server/grpc/parse.h"
#include "server/grpc/status.h"

namespace fathom {

PredictStreamReactor::PredictStreamReactor(const PredictDeps& deps, const CallRecorder* recorder,
                                           std::string request_id, Caller caller,
                                           std::optional<v1::Depth> metadata_depth)
    : deps_(deps),
      recorder_(recorder),
      request_id_(std::move(request_id)),
      caller_(std::move(caller)),
      metadata_depth_(std::move(metadata_depth)) {
  Update([] {});  // the first read
}

void PredictStreamReactor::OnReadDone(bool ok) {
  grpc::ByteBuffer bytes;
  Update([&] {  // the next one is read while this one is worked on
    reading_ = false;
    if (ok) {
      bytes.Swap(&incoming_);
      ++places_taken_;
    } else {
      reads_ended_ = true;
    }
  });
  if (ok) Work(bytes);
}

void PredictStreamReactor::OnWriteDone(bool ok) {
  Update([&] {
    writing_ = false;
    --places_taken_;
    if (!ok) GiveUp();
  });
}

void PredictStreamReactor::OnCancel() {
  cancelled_->store(true);
  Update([&] { GiveUp(); });
  deps_.scheduler->DropCancelled();
}

void PredictStreamReactor::GiveUp() {
  given_up_ = true;
  places_taken_ -= static_cast<int>(answers_.size());
  answers_.clear();
}

void PredictStreamReactor::Update(absl::FunctionRef<void()> change) {
  Next next;
  {
    const std::lock_guard lock(mutex_);
    change();
    next = Decide();
  }
  // Each of them keeps the reactor alive until it is done.
  if (next.read) StartRead(&incoming_);
  if (next.write) StartWrite(&outgoing_);
  if (next.finish) {
    Finish(ToGrpcStatus(cancelled_->load() ? absl::CancelledError("the client has gone")
                                           : absl::OkStatus()));
  }
}

PredictStreamReactor::Next PredictStreamReactor::Decide() {
  Next next;
  const bool ended = reads_ended_ || given_up_;
  if (!ended && !reading_ && places_taken_ < deps_.limits.max_stream_requests) {
    next.read = reading_ = true;
  }
  if (!writing_ && !answers_.empty()) {
    outgoing_ = std::move(answers_.front());
    answers_.pop_front();
    next.write = writing_ = true;
  }
  if (ended && !reading_ && !writing_ && places_taken_ == 0 && !finished_) {
    next.finish = finished_ = true;
  }
  return next;
}

void PredictStreamReactor::Work(const grpc::ByteBuffer& bytes) {
  const auto start = std::chrono::steady_clock::now();
  v1::PredictStreamRequest message;
  absl::Status status = ParseMessage(bytes, &message);
  // The id stands in front, so it has mostly been read of a message that is damaged behind it.
  const std::string& sent = message.request_id();
  const std::string id = FirstInvalidUtf8(sent) ? "" : sent;
  const BegunCall begun{.method = "PredictStream",
                        .request_id = RequestIdInStream(request_id_, id),
                        .start = start};
  if (status.ok() && !message.has_request()) status = InvalidField("request", "not set");
  if (!status.ok()) {
    Answer(id, status, {}, begun);
    return;
  }
  auto call = std::make_shared<PredictCall>(deps_, caller_, cancelled_);
  if (metadata_depth_) call->SetMetadataDepth(*metadata_depth_);
  // The call outlives its own answer: Start, or the scheduler, holds it meanwhile.
  call->Start(std::move(*message.mutable_request()),
              [this, id, begun, call = call.get()](absl::StatusOr<v1::PredictResponse> response) {
                Answer(id, std::move(response), call->observation(), begun);
              });
}

void PredictStreamReactor::Answer(const std::string& request_id,
                                  absl::StatusOr<v1::PredictResponse> response,
                                  const CallObservation& observation, const BegunCall& begun) {
  absl::Status status = response.status();
  if (status.ok() && cancelled_->load()) status = absl::CancelledError("the client has gone");
  recorder_->Record(begun, observation, status);
  v1::PredictStreamResponse answer;
  answer.set_request_id(request_id);
  if (status.ok()) {
    *answer.mutable_response() = *std::move(response);
  } else {
    *answer.mutable_error() = ToRpcStatus(status);
  }
  grpc::ByteBuffer bytes = SerializeMessage(answer);
  Update([&] {
    if (given_up_) {
      --places_taken_;
    } else {
      answers_.push_back(std::move(bytes));
    }
  });
}

}  // namespace fathom
