#include "server/grpc/answer.h"

#include <google/protobuf/util/time_util.h>

#include <utility>

#include "server/grpc/outputs.h"
#include "server/grpc/status.h"

namespace fathom {
namespace {

google::protobuf::Duration ToProto(absl::Duration duration) {
  return google::protobuf::util::TimeUtil::NanosecondsToDuration(
      absl::ToInt64Nanoseconds(duration));
}

v1::DepthReason ToProto(DepthReason reason) {
  switch (reason) {
    case DepthReason::kExact:
      return v1::DEPTH_REASON_EXACT;
    case DepthReason::kLatencyBudget:
      return v1::DEPTH_REASON_LATENCY_BUDGET;
    case DepthReason::kMinQuality:
      return v1::DEPTH_REASON_MIN_QUALITY;
    case DepthReason::kTaskDefault:
      return v1::DEPTH_REASON_TASK_DEFAULT;
    case DepthReason::kBrownout:
      return v1::DEPTH_REASON_BROWNOUT;
    case DepthReason::kDriftGuard:
      return v1::DEPTH_REASON_DRIFT_GUARD;
  }
  return v1::DEPTH_REASON_UNSPECIFIED;
}

v1::DepthUsed MakeDepthUsed(const TaskInfo& task, const ChosenDepth& depth) {
  v1::DepthUsed used;
  used.set_skip_layers(static_cast<uint32_t>(depth.skip_layers));
  used.set_reason(ToProto(depth.reason));
  if (auto quality = QualityAt(task, depth.skip_layers)) {
    *used.mutable_quality() = *std::move(quality);
  }
  if (depth.budget_met) used.set_budget_met(*depth.budget_met);
  if (depth.predicted_ms) {
    *used.mutable_predicted() = ToProto(absl::Milliseconds(*depth.predicted_ms));
  }
  return used;
}

}  // namespace

std::optional<v1::ExpectedQuality> QualityAt(const TaskInfo& task, int skip_layers) {
  if (!task.profile) return std::nullopt;
  const DepthPoint* point = task.profile->Find(skip_layers);
  if (point == nullptr) return std::nullopt;
  v1::ExpectedQuality quality;
  quality.set_metric(task.profile->metric);
  quality.set_score(static_cast<float>(point->score));
  const DepthPoint* whole = task.profile->Find(0);
  if (whole != nullptr && whole->score > 0) {
    quality.set_relative(static_cast<float>(point->score / whole->score));
  }
  if (point->agreement) quality.set_agreement(static_cast<float>(*point->agreement));
  if (point->half_width) quality.set_half_width(static_cast<float>(*point->half_width));
  quality.set_samples(static_cast<uint64_t>(task.profile->samples));
  return quality;
}

v1::TaskResult MakeTaskResult(const TaskOutput& output, const TaskInfo& task,
                              const ChosenDepth& depth, const v1::PredictOptions& options,
                              absl::Span<const TokenSpan> spans) {
  v1::TaskResult result;
  result.set_name(task.name);
  result.set_version(static_cast<uint32_t>(task.version));
  *result.mutable_depth() = MakeDepthUsed(task, depth);
  if (const absl::Status status = CheckOutput(output, task, spans); !status.ok()) {
    *result.mutable_error() = ToRpcStatus(status);
    return result;
  }
  switch (task.head) {
    case HeadKind::kClassification:
      *result.mutable_classification() =
          MakeClassification(output.logits, task.labels, options.top_k());
      break;
    case HeadKind::kRegression:
      result.mutable_regression()->set_value(output.logits.front());
      break;
    case HeadKind::kMultiLabel:
      *result.mutable_multi_label() = MakeMultiLabel(output.logits, task.labels);
      break;
    case HeadKind::kTagging:
      *result.mutable_tagging() = MakeTagging(output.logits, task.labels, spans);
      break;
  }
  if (options.return_logits()) {
    result.mutable_logits()->Add(output.logits.begin(), output.logits.end());
  }
  return result;
}

v1::Usage MakeUsage(const ScheduledResult& result, absl::Duration tokenize, int64_t tokens) {
  v1::Usage usage;
  *usage.mutable_tokenize() = ToProto(tokenize);
  *usage.mutable_queue() = ToProto(result.queue);
  *usage.mutable_compute() = ToProto(result.compute);
  usage.set_row_layers_run(result.work.row_layers_run);
  usage.set_row_layers_shared(result.work.row_layers_shared);
  usage.set_row_layers_cached(result.work.row_layers_cached);
  usage.set_row_layers_skipped(result.work.row_layers_skipped);
  usage.set_tokens(static_cast<uint64_t>(tokens));
  usage.set_batch_inputs(static_cast<uint32_t>(result.largest_pass_texts));
  usage.set_passes(static_cast<uint32_t>(result.passes));
  return usage;
}

}  // namespace fathom
