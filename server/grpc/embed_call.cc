#include "server/grpc/embed_call.h"

#include <chrono>
#include <cmath>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "runtime/depth/depth_policy.h"
#include "server/grpc/answer.h"
#include "server/grpc/depth.h"
#include "server/grpc/errors.h"
#include "server/grpc/inputs.h"
#include "server/grpc/probabilities.h"
#include "server/grpc/status.h"
#include "server/grpc/validate.h"

namespace fathom {
namespace {

absl::Status CheckState(const TaskOutput& output, int hidden_size) {
  if (!output.status.ok()) return output.status;
  if (output.logits.size() != static_cast<size_t>(hidden_size)) {
    return absl::InternalError(absl::StrCat("the encoder answered a state of ",
                                            output.logits.size(), " numbers, not ", hidden_size));
  }
  if (!AllFinite(output.logits)) {
    return absl::InternalError("the encoder answered a state that is not a finite number");
  }
  return absl::OkStatus();
}

}  // namespace

void EmbedCall::Start(v1::EmbedRequest request, Done done) {
  request_ = std::move(request);
  if (request_.has_task()) observation_.tasks.emplace_back().name = request_.task().name();
  absl::StatusOr<ScheduledRequest> prepared = Prepare();
  if (!prepared.ok()) {
    done(prepared.status());
    return;
  }
  const absl::Status submitted = deps_.scheduler->Submit(
      *std::move(prepared),
      [self = shared_from_this(), done](const absl::StatusOr<ScheduledResult>& result) {
        done(self->MakeResponse(result));
      });
  if (!submitted.ok()) done(submitted);
}

absl::StatusOr<ScheduledRequest> EmbedCall::Prepare() {
  absl::Status status = ValidateEmbed(request_, deps_.limits);
  if (!status.ok()) return status;
  absl::StatusOr<ScheduledTask> task = FindTask();
  if (!task.ok()) return task.status();
  if (task->task != nullptr) {
    response_.set_version(static_cast<uint32_t>(task->task->info().version));
    response_.set_skip_layers(static_cast<uint32_t>(task->skip_layers));
  }
  ScheduledRequest scheduled;
  scheduled.arrival = absl::Now();
  scheduled.deadline = caller_.deadline;
  scheduled.client = caller_.client;
  scheduled.cancelled = cancelled_;
  const auto start = std::chrono::steady_clock::now();
  status = TokenizeInputs(*task, scheduled);
  observation_.tokenize = absl::FromChrono(std::chrono::steady_clock::now() - start);
  if (!status.ok()) return status;
  return scheduled;
}

absl::StatusOr<ScheduledTask> EmbedCall::FindTask() const {
  ScheduledTask wanted;
  wanted.output =
      request_.pooling() == v1::POOLING_MEAN ? PassOutput::kMeanState : PassOutput::kClsState;
  if (!request_.has_task()) return wanted;
  const v1::TaskSelector& selector = request_.task();
  auto task = deps_.engine->FindTask(selector.name(), static_cast<int>(selector.version()));
  if (!task.ok()) return AtTask(selector.name(), task.status());
  const v1::Depth* depth = selector.has_depth() ? &selector.depth() : nullptr;
  const auto choice =
      ResolveDepth(depth, NamesIn("task.depth"), (*task)->info(), deps_.engine->encoder().layers);
  if (!choice.ok()) return choice.status();
  wanted.task = *std::move(task);
  wanted.skip_layers =
      choice->kind == DepthChoice::Kind::kExact
          ? choice->skip_layers
          : DefaultDepth(wanted.task->info(), deps_.policies->Get(selector.name()));
  wanted.depth = {.kind = DepthChoice::Kind::kExact, .skip_layers = wanted.skip_layers};
  return wanted;
}

absl::Status EmbedCall::TokenizeInputs(const ScheduledTask& task, ScheduledRequest& request) {
  const TokenizeOptions options{.truncation = ToTruncation(request_.truncation())};
  request.texts.reserve(static_cast<size_t>(request_.inputs_size()));
  for (int i = 0; i < request_.inputs_size(); ++i) {
    const v1::Input& input = request_.inputs(i);
    auto text = TokenizeInput(*deps_.engine, input, i, options);
    if (!text.ok()) return text.status();
    v1::Embedding* embedding = response_.add_embeddings();
    embedding->set_id(input.id());
    embedding->set_token_count(static_cast<uint32_t>(text->ids.size()));
    embedding->set_truncated(text->truncated());
    tokens_ += static_cast<int64_t>(text->ids.size());
    request.texts.push_back({.text = *std::move(text), .tasks = {task}});
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::EmbedResponse> EmbedCall::MakeResponse(
    const absl::StatusOr<ScheduledResult>& result) {
  if (!result.ok()) return result.status();
  observation_.queue = result->queue;
  observation_.compute = result->compute;
  const int hidden_size = deps_.engine->encoder().hidden_size;
  for (size_t i = 0; i < result->outputs.size(); ++i) {
    const v1::Embedding made =
        MakeEmbedding(result->outputs[i].front(), hidden_size, request_.normalize());
    response_.mutable_embeddings(static_cast<int>(i))->MergeFrom(made);
    if (made.has_error() && !observation_.tasks.empty()) {
      observation_.tasks.front().code = static_cast<absl::StatusCode>(made.error().code());
    }
  }
  *response_.mutable_usage() = MakeUsage(*result, *observation_.tokenize, tokens_);
  return std::move(response_);
}

v1::Embedding MakeEmbedding(const TaskOutput& output, int hidden_size, bool normalize) {
  v1::Embedding embedding;
  if (const absl::Status status = CheckState(output, hidden_size); !status.ok()) {
    *embedding.mutable_error() = ToRpcStatus(status);
    return embedding;
  }
  double scale = 1;
  if (normalize) {
    double sum = 0;
    for (const double value : output.logits) sum += value * value;
    if (sum > 0) scale = 1 / std::sqrt(sum);
  }
  embedding.mutable_values()->Reserve(hidden_size);
  for (const double value : output.logits) {
    embedding.add_values(static_cast<float>(value * scale));
  }
  return embedding;
}

}  // namespace fathom
