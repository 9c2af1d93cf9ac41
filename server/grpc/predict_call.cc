#include "server/grpc/predict_call.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/grpc/answer.h"
#include "server/grpc/errors.h"
#include "server/grpc/inputs.h"
#include "server/grpc/validate.h"

namespace fathom {

void PredictCall::Start(v1::PredictRequest request, Done done) {
  request_ = std::move(request);
  for (const v1::TaskSelector& task : request_.tasks()) {
    if (observation_.tasks.size() == static_cast<size_t>(deps_.limits.max_tasks)) break;
    observation_.tasks.emplace_back().name = task.name();
  }
  absl::StatusOr<ScheduledRequest> prepared = Prepare();
  if (!prepared.ok()) {
    done(prepared.status());
    return;
  }
  const absl::Status submitted = deps_.scheduler->Submit(
      *std::move(prepared),
      [self = shared_from_this(), done](absl::StatusOr<ScheduledResult> result) {
        done(self->MakeResponse(std::move(result)));
      });
  if (!submitted.ok()) done(submitted);
}

absl::StatusOr<ScheduledRequest> PredictCall::Prepare() {
  absl::Status status = ValidatePredict(request_, deps_.limits);
  if (status.ok()) status = FindTasks();
  if (!status.ok()) return status;

  ScheduledRequest scheduled;
  scheduled.deadline = deadline_;
  scheduled.cancelled = cancelled_;
  const auto start = std::chrono::steady_clock::now();
  status = TokenizeInputs(scheduled);
  observation_.tokenize = absl::FromChrono(std::chrono::steady_clock::now() - start);
  if (!status.ok()) return status;

  for (ScheduledText& text : scheduled.texts) {
    text.tasks.reserve(tasks_.size());
    for (const Task& task : tasks_) {
      text.tasks.push_back({.task = task.task, .skip_layers = task.depth.skip_layers});
    }
  }
  return scheduled;
}

absl::Status PredictCall::FindTasks() {
  for (int i = 0; i < request_.tasks_size(); ++i) {
    const v1::TaskSelector& selector = request_.tasks(i);
    auto task = deps_.engine->FindTask(selector.name(), static_cast<int>(selector.version()));
    if (!task.ok()) return AtTask(selector.name(), task.status());

    const bool own = selector.has_depth();
    const v1::Depth* depth = own                    ? &selector.depth()
                             : request_.has_depth() ? &request_.depth()
                                                    : nullptr;
    const absl::StatusOr<ResolvedDepth> resolved =
        ResolveDepth(depth, own ? absl::StrCat("tasks[", i, "].depth") : "depth", (*task)->info(),
                     deps_.engine->encoder().layers);
    if (!resolved.ok()) return resolved.status();
    tasks_.push_back({.task = *std::move(task), .depth = *resolved});
  }
  return absl::OkStatus();
}

bool PredictCall::TagsTokens() const {
  return std::any_of(tasks_.begin(), tasks_.end(),
                     [](const Task& task) { return task.task->info().head == HeadKind::kTagging; });
}

absl::Status PredictCall::TokenizeInputs(ScheduledRequest& request) {
  const TokenizeOptions options{.truncation = ToTruncation(request_.options().truncation()),
                                .with_spans = TagsTokens()};
  request.texts.reserve(static_cast<size_t>(request_.inputs_size()));
  for (int i = 0; i < request_.inputs_size(); ++i) {
    const v1::Input& input = request_.inputs(i);
    auto text = TokenizeInput(*deps_.engine, input, i, options);
    if (!text.ok()) return text.status();

    v1::InputResult* result = response_.add_results();
    result->set_id(input.id());
    result->set_token_count(static_cast<uint32_t>(text->ids.size()));
    result->set_truncated(text->truncated());
    tokens_ += static_cast<int64_t>(text->ids.size());
    spans_.push_back(std::move(text->spans));
    request.texts.emplace_back().text = *std::move(text);
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::PredictResponse> PredictCall::MakeResponse(
    absl::StatusOr<ScheduledResult> result) {
  if (!result.ok()) return result.status();
  observation_.queue = result->queue;
  observation_.compute = result->compute;
  for (size_t t = 0; t < tasks_.size(); ++t) {
    observation_.tasks[t].skip_layers = tasks_[t].depth.skip_layers;
  }
  for (size_t i = 0; i < result->outputs.size(); ++i) {
    v1::InputResult* input = response_.mutable_results(static_cast<int>(i));
    for (size_t t = 0; t < tasks_.size(); ++t) {
      v1::TaskResult made = MakeTaskResult(result->outputs[i][t], tasks_[t].task->info(),
                                           tasks_[t].depth, request_.options(), spans_[i]);
      CallObservation::Task& observed = observation_.tasks[t];
      if (made.has_error()) {
        observed.code = static_cast<absl::StatusCode>(made.error().code());
      } else {
        observed.texts += 1;
      }
      *input->add_tasks() = std::move(made);
    }
  }
  *response_.mutable_usage() = MakeUsage(*result, *observation_.tokenize, tokens_);
  return std::move(response_);
}

}  // namespace fathom
