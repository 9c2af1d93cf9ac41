#include "server/client/predict_request.h"

#include <google/protobuf/util/time_util.h>

#include <algorithm>

namespace fathom {

v1::PredictRequest MakePredictRequest(const PredictFlags& flags, absl::Span<const Text> texts) {
  v1::PredictRequest request;
  for (const Text& text : texts) *request.add_inputs() = text.ToInput();
  for (v1::TaskSelector& task : WithDepths(flags.tasks, flags.depth)) {
    *request.add_tasks() = std::move(task);
  }
  *request.mutable_options() = flags.options;
  return request;
}

void AppendAnswers(const v1::PredictResponse& call, v1::PredictResponse& all) {
  all.mutable_results()->MergeFrom(call.results());
  AddUsage(call.usage(), *all.mutable_usage());
}

void AddUsage(const v1::Usage& call, v1::Usage& sum) {
  *sum.mutable_tokenize() += call.tokenize();
  *sum.mutable_queue() += call.queue();
  *sum.mutable_compute() += call.compute();
  sum.set_row_layers_run(sum.row_layers_run() + call.row_layers_run());
  sum.set_row_layers_shared(sum.row_layers_shared() + call.row_layers_shared());
  sum.set_row_layers_cached(sum.row_layers_cached() + call.row_layers_cached());
  sum.set_row_layers_skipped(sum.row_layers_skipped() + call.row_layers_skipped());
  sum.set_tokens(sum.tokens() + call.tokens());
  sum.set_passes(sum.passes() + call.passes());
  sum.set_batch_inputs(std::max(sum.batch_inputs(), call.batch_inputs()));
}

bool HasItemError(const v1::PredictResponse& response) {
  return std::any_of(
      response.results().begin(), response.results().end(), [](const v1::InputResult& result) {
        return result.has_error() ||
               std::any_of(result.tasks().begin(), result.tasks().end(),
                           [](const v1::TaskResult& task) { return task.has_error(); });
      });
}

}  // namespace fathom
