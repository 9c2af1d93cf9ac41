#include "server/client/load/load_run.h"

#include <grpcpp/completion_queue.h>
#include <grpcpp/support/async_unary_call.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/client/load/answer_log.h"
#include "server/client/load/pacer.h"
#include "server/client/load/request_source.h"
#include "server/client/refusal.h"

namespace fathom {
namespace {

using Clock = std::chrono::steady_clock;

// Of a caller of the closed loop whose call was refused: else it would ask again at once.
constexpr double kLeastPause_s = 0.01;
constexpr double kLongestWait_s = 1;

struct Call {
  int64_t number = 0;
  double due_s = 0;   // when it should have started
  double sent_s = 0;  // when it did
  grpc::ClientContext context;
  v1::PredictRequest request;
  v1::PredictResponse response;
  grpc::Status status;
  std::unique_ptr<grpc::ClientAsyncResponseReader<v1::PredictResponse>> reader;
};

std::unique_ptr<Pacer> MakePacer(const LoadOptions& options) {
  const double end_s = options.warm_up_s + options.duration_s;
  if (options.rate == 0) return std::make_unique<ClosedLoop>(options.concurrency, end_s);
  return std::make_unique<OpenLoop>(OpenLoop::Options{.rate = options.rate,
                                                      .end_s = end_s,
                                                      .max_in_flight = options.max_in_flight,
                                                      .seed = options.seed});
}

class Run {
 public:
  Run(const Connection& connection, const LoadOptions& options, RequestSource source)
      : connection_(connection),
        options_(options),
        source_(std::move(source)),
        pacer_(MakePacer(options)) {
    for (int i = 0; i < options.connections; ++i) {
      stubs_.push_back(v1::InferenceService::NewStub(OpenChannel(connection.flags().address, i)));
    }
    if (!options.answers_file.empty()) answers_.open(options.answers_file);
  }

  bool answers_usable() const { return options_.answers_file.empty() || answers_.good(); }

  LoadResult Go() {
    do {
      SendDue();
      Await();
    } while (in_flight_ > 0 || NextStart());
    return {.seconds = options_.duration_s,
            .rate = options_.rate,
            .unsent = pacer_->Unsent(),
            .tally = std::move(tally_)};
  }

 private:
  double Now() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

  // What is late by a whole --timeout is given up.
  std::optional<double> NextStart() const {
    const double end_s = options_.warm_up_s + options_.duration_s;
    return Now() < end_s + connection_.flags().timeout_s ? pacer_->Next() : std::nullopt;
  }

  void SendDue() {
    for (std::optional<double> due = NextStart(); due && *due <= Now(); due = NextStart()) {
      Send(*due);
      pacer_->Sent();
    }
  }

  void Send(double due_s) {
    auto call = std::make_unique<Call>();
    call->number = sent_++;
    call->due_s = due_s;
    call->request = source_.Next();
    const double timeout_s =
        options_.deadline_ms > 0 ? options_.deadline_ms / 1000 : connection_.flags().timeout_s;
    connection_.Prepare(absl::StrCat("-", call->number), timeout_s, call->context);
    AddAffinity(call->request.inputs(0), call->context);
    call->sent_s = Now();
    const auto& stub = stubs_[static_cast<size_t>(call->number) % stubs_.size()];
    call->reader = stub->AsyncPredict(&call->context, call->request, &queue_);
    Call* const tag = call.release();  // its own tag until it is finished
    tag->reader->Finish(&tag->response, &tag->status, tag);
    ++in_flight_;
  }

  // Until a call is finished or the next one is due.
  void Await() {
    const double wait_s =
        std::clamp(NextStart().value_or(Now() + kLongestWait_s) - Now(), 0.0, kLongestWait_s);
    void* tag = nullptr;
    bool ok = false;
    const auto deadline = std::chrono::system_clock::now() +
                          std::chrono::nanoseconds(static_cast<int64_t>(wait_s * 1e9));
    if (queue_.AsyncNext(&tag, &ok, deadline) == grpc::CompletionQueue::GOT_EVENT) {
      Finish(std::unique_ptr<Call>(static_cast<Call*>(tag)));
    }
  }

  void Finish(const std::unique_ptr<Call>& call) {
    const double now_s = Now();
    const Refusal refusal = ExplainStatus(call->status);
    const bool good = call->status.ok();
    const double start_s = options_.rate == 0 ? call->sent_s : call->due_s;
    const CallOutcome outcome{
        .call = call->number,
        .latency_ms = (now_s - start_s) * 1000,
        .service_ms = (now_s - call->sent_s) * 1000,
        .sent_unix_s = start_unix_s_ + call->sent_s,
        .late = options_.rate > 0 && (call->sent_s - call->due_s) * 1000 > options_.late_ms,
        .code = absl::StatusCodeToString(static_cast<absl::StatusCode>(call->status.error_code())),
        .reason = refusal.reason,
        .message = call->status.error_message(),
        .request = &call->request,
        .response = good ? &call->response : nullptr};
    if (call->due_s >= options_.warm_up_s) tally_.Add(outcome);
    if (answers_.is_open()) answers_ << AnswerJson(outcome).dump() << '\n';
    --in_flight_;
    const double asked_s = static_cast<double>(refusal.retry_ms) / 1000;
    pacer_->Finished(now_s, good ? 0 : std::max(kLeastPause_s, asked_s));
  }

  const Connection& connection_;
  const LoadOptions& options_;
  RequestSource source_;
  const std::unique_ptr<Pacer> pacer_;
  std::vector<std::unique_ptr<v1::InferenceService::Stub>> stubs_;
  std::ofstream answers_;
  grpc::CompletionQueue queue_;
  const Clock::time_point start_ = Clock::now();
  const double start_unix_s_ =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  int64_t sent_ = 0;
  int64_t in_flight_ = 0;
  Tally tally_;
};

}  // namespace

absl::StatusOr<LoadResult> RunLoad(const Connection& connection, const LoadOptions& options) {
  absl::StatusOr<RequestSource> source = RequestSource::Create(options);
  if (!source.ok()) return source.status();
  Run run(connection, options, *std::move(source));
  if (!run.answers_usable()) {
    return absl::NotFoundError(absl::StrCat("cannot write ", options.answers_file));
  }
  return run.Go();
}

}  // namespace fathom
