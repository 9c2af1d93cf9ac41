#include "server/grpc/predict_call.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/grpc/answer.h"
#include "server/grpc/errors.h"
#include "server/grpc/inputs.h"
#include "server/grpc/metadata_depth.h"
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
  scheduled.arrival = arrival_;
  scheduled.deadline = caller_.deadline;
  scheduled.client = caller_.client;
  scheduled.priority = static_cast<int>(request_.options().priority());
  scheduled.cancelled = cancelled_;
  const auto start = std::chrono::steady_clock::now();
  status = TokenizeInputs(scheduled);
  observation_.tokenize = absl::FromChrono(std::chrono::steady_clock::now() - start);
  if (!status.ok()) return status;

  const bool bypass_caches = request_.options().cache() == v1::CACHE_MODE_BYPASS;
  for (ScheduledText& text : scheduled.texts) {
    text.tasks.reserve(tasks_.size());
    for (const Task& task : tasks_) {
      text.tasks.push_back({.task = task.task,
                            .skip_layers = task.depth.skip_layers,
                            .depth = task.depth,
                            .bypass_caches = bypass_caches});
    }
  }
  return scheduled;
}

absl::Status PredictCall::FindTasks() {
  for (int i = 0; i < request_.tasks_size(); ++i) {
    const v1::TaskSelector& selector = request_.tasks(i);
    auto task = deps_.engine->FindTask(selector.name(), static_cast<int>(selector.version()));
    if (!task.ok()) return AtTask(selector.name(), task.status());

    const absl::StatusOr<DepthChoice> depth = DepthOfTask(i, (*task)->info());
    if (!depth.ok()) return depth.status();
    tasks_.push_back({.task = *std::move(task), .depth = *depth});
  }
  return absl::OkStatus();
}

// The task's own goes before the request's, and that before the metadata's.
absl::StatusOr<DepthChoice> PredictCall::DepthOfTask(int task, const TaskInfo& info) const {
  const v1::TaskSelector& selector = request_.tasks(task);
  const int layers = deps_.engine->encoder().layers;
  if (selector.has_depth()) {
    const DepthNames names = NamesIn(absl::StrCat("tasks[", task, "].depth"));
    return ResolveDepth(&selector.depth(), names, info, layers);
  }
  if (request_.has_depth()) return ResolveDepth(&request_.depth(), NamesIn("depth"), info, layers);
  const v1::Depth* metadata = metadata_depth_ ? &*metadata_depth_ : nullptr;
  return ResolveDepth(metadata, MetadataKeys(), info, layers);
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

// Whether a budget was met is what happened, not what was predicted.
ChosenDepth PredictCall::DepthOfAnswer(const ScheduledResult& result, size_t text, size_t task,
                                       absl::Duration elapsed) const {
  ChosenDepth depth = result.depths[text][task];
  const DepthChoice& asked = tasks_[task].depth;
  if (asked.kind == DepthChoice::Kind::kLatencyBudget) {
    depth.budget_met = elapsed <= asked.latency_budget;
  }
  return depth;
}

absl::StatusOr<v1::PredictResponse> PredictCall::MakeResponse(
    absl::StatusOr<ScheduledResult> result) {
  if (!result.ok()) return result.status();
  const absl::Duration elapsed = absl::FromChrono(std::chrono::steady_clock::now() - start_);
  observation_.queue = result->queue;
  observation_.compute = result->compute;
  for (size_t i = 0; i < result->outputs.size(); ++i) {
    v1::InputResult* input = response_.mutable_results(static_cast<int>(i));
    for (size_t t = 0; t < tasks_.size(); ++t) {
      v1::TaskResult made =
          MakeTaskResult(result->outputs[i][t], tasks_[t].task->info(),
                         DepthOfAnswer(*result, i, t, elapsed), request_.options(), spans_[i]);
      if (made.has_error()) {
        observation_.tasks[t].code = static_cast<absl::StatusCode>(made.error().code());
      }
      *input->add_tasks() = std::move(made);
    }
  }
  *response_.mutable_usage() = MakeUsage(*result, *observation_.tokenize, tokens_);
  return std::move(response_);
}

}  // namespace fathom
