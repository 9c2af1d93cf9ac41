#include "server/grpc/validate.h"

#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/grpc/errors.h"

namespace fathom {
namespace {

absl::Status ValidateTokenIds(const v1::TokenIds& tokens, const std::string& field) {
  if (tokens.ids().empty()) return InvalidField(field + ".ids", "empty; give at least one id");
  if (!tokens.segment_ids().empty() && tokens.segment_ids_size() != tokens.ids_size()) {
    return InvalidField(field + ".segment_ids",
                        absl::StrCat(tokens.segment_ids_size(), " of them for ", tokens.ids_size(),
                                     " ids; give as many, or none"));
  }
  constexpr auto kMaxId = static_cast<uint32_t>(std::numeric_limits<int32_t>::max());
  for (const auto* ids : {&tokens.ids(), &tokens.segment_ids()}) {
    for (const uint32_t id : *ids) {
      if (id > kMaxId) return InvalidField(field, absl::StrCat(id, " is not a token id"));
    }
  }
  return absl::OkStatus();
}

absl::Status ValidateInput(const v1::Input& input, const std::string& field) {
  switch (input.kind_case()) {
    case v1::Input::kText:
    case v1::Input::kPair:
      return absl::OkStatus();
    case v1::Input::kTokenIds:
      return ValidateTokenIds(input.token_ids(), field + ".token_ids");
    case v1::Input::KIND_NOT_SET:
      break;
  }
  return InvalidField(field, "no kind set; give one of text, pair, token_ids");
}

absl::Status ValidateCount(const std::string& field, int count, int limit) {
  if (count == 0) return InvalidField(field, absl::StrCat("empty; give 1 to ", limit));
  if (count > limit) {
    return InvalidField(field, absl::StrCat(count, " of them; the limit is ", limit));
  }
  return absl::OkStatus();
}

absl::Status ValidateTask(const v1::TaskSelector& task, const std::string& field,
                          const RequestLimits& limits) {
  if (task.name().empty()) return InvalidField(field + ".name", "empty; name a task");
  if (task.name().size() > limits.max_name_bytes) {
    return InvalidField(field + ".name", absl::StrCat(task.name().size(), " bytes; the limit is ",
                                                      limits.max_name_bytes));
  }
  if (task.version() > static_cast<uint32_t>(std::numeric_limits<int>::max())) {
    return InvalidField(field + ".version", absl::StrCat(task.version(), " is not a version"));
  }
  return absl::OkStatus();
}

absl::Status ValidateInputs(const google::protobuf::RepeatedPtrField<v1::Input>& inputs,
                            const RequestLimits& limits) {
  absl::Status status = ValidateCount("inputs", inputs.size(), limits.max_inputs);
  for (int i = 0; status.ok() && i < inputs.size(); ++i) {
    status = ValidateInput(inputs[i], absl::StrCat("inputs[", i, "]"));
  }
  return status;
}

absl::Status ValidateTruncation(v1::Truncation truncation, const std::string& field) {
  if (v1::Truncation_IsValid(truncation)) return absl::OkStatus();
  return InvalidField(field, absl::StrCat("unknown value ", truncation));
}

// Embeddings of different n are not comparable.
absl::Status ValidateExactDepth(const v1::Depth& depth, const std::string& field) {
  constexpr char kInstead[] = "Embed runs at an exact n; give skip_layers, or nothing";
  if (depth.has_latency_budget()) return InvalidField(field + ".latency_budget", kInstead);
  if (depth.has_min_quality()) return InvalidField(field + ".min_quality", kInstead);
  return absl::OkStatus();
}

absl::Status ValidateOptions(const v1::PredictOptions& options) {
  absl::Status status = ValidateTruncation(options.truncation(), "options.truncation");
  if (!status.ok()) return status;
  if (!v1::CacheMode_IsValid(options.cache())) {
    return InvalidField("options.cache", absl::StrCat("unknown value ", options.cache()));
  }
  if (options.priority() != 0) return NotBuiltIn("options.priority", "calls are run as they come");
  return absl::OkStatus();
}

}  // namespace

absl::Status ValidatePredict(const v1::PredictRequest& request, const RequestLimits& limits) {
  absl::Status status = ValidateInputs(request.inputs(), limits);
  if (status.ok()) status = ValidateCount("tasks", request.tasks_size(), limits.max_tasks);
  for (int i = 0; status.ok() && i < request.tasks_size(); ++i) {
    status = ValidateTask(request.tasks(i), absl::StrCat("tasks[", i, "]"), limits);
  }
  if (status.ok()) status = ValidateOptions(request.options());
  return status;
}

absl::Status ValidateEmbed(const v1::EmbedRequest& request, const RequestLimits& limits) {
  absl::Status status = ValidateInputs(request.inputs(), limits);
  if (status.ok() && !v1::Pooling_IsValid(request.pooling())) {
    status = InvalidField("pooling", absl::StrCat("unknown value ", request.pooling()));
  }
  if (status.ok()) status = ValidateTruncation(request.truncation(), "truncation");
  if (!status.ok() || !request.has_task()) return status;
  status = ValidateTask(request.task(), "task", limits);
  if (status.ok()) status = ValidateExactDepth(request.task().depth(), "task.depth");
  return status;
}

absl::Status ValidateTokenize(const v1::TokenizeRequest& request, const RequestLimits& limits) {
  absl::Status status = ValidateInputs(request.inputs(), limits);
  if (status.ok()) status = ValidateTruncation(request.truncation(), "truncation");
  return status;
}

}  // namespace fathom
