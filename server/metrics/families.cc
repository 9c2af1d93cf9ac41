#include "server/metrics/families.h"

namespace fathom {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;

// 1, 2, 4 … last.
prometheus::Histogram::BucketBoundaries PowersOfTwo(double last) {
  prometheus::Histogram::BucketBoundaries bounds;
  for (double bound = 1; bound <= last; bound *= 2) bounds.push_back(bound);
  return bounds;
}

}  // namespace

MetricFamilies::MetricFamilies(prometheus::Registry& registry)
    : requests(BuildCounter()
                   .Name("fathom_requests_total")
                   .Help("Calls by task and outcome. A call counts once for every "
                         "task it names, one that names none as task \"none\"; unknown "
                         "tasks, and those beyond the first --metrics-max-tasks, are "
                         "\"other\".")
                   .Register(registry)),
      request_duration(BuildHistogram()
                           .Name("fathom_request_duration_seconds")
                           .Help("Calls from arrival to answer, by final status.")
                           .Register(registry)),
      tokenize_duration(BuildHistogram()
                            .Name("fathom_tokenize_duration_seconds")
                            .Help("Tokenising of a call.")
                            .Register(registry)),
      queue_duration(BuildHistogram()
                         .Name("fathom_queue_duration_seconds")
                         .Help("Wait of an answered call for its passes.")
                         .Register(registry)),
      compute_duration(BuildHistogram()
                           .Name("fathom_compute_duration_seconds")
                           .Help("Passes of an answered call.")
                           .Register(registry)),
      trunk_duration(BuildHistogram()
                         .Name("fathom_trunk_duration_seconds")
                         .Help("Part of a pass: embedding, and rows that no adapter changes.")
                         .Register(registry)),
      branches_duration(BuildHistogram()
                            .Name("fathom_branches_duration_seconds")
                            .Help("Part of a pass: rows with adapters.")
                            .Register(registry)),
      heads_duration(BuildHistogram()
                         .Name("fathom_heads_duration_seconds")
                         .Help("Part of a pass: heads.")
                         .Register(registry)),
      pass_duration(BuildHistogram()
                        .Name("fathom_pass_duration_seconds")
                        .Help("Passes, each from its first layer to its heads.")
                        .Register(registry)),
      abandoned_passes(BuildCounter()
                           .Name("fathom_abandoned_passes_total")
                           .Help("Passes that ended early because nobody waited for them any more.")
                           .Register(registry)),
      workers(BuildGauge()
                  .Name("fathom_workers")
                  .Help("Passes that may run at once.")
                  .Register(registry)),
      batch_rows(BuildHistogram()
                     .Name("fathom_batch_rows")
                     .Help("Rows in the largest packed block of a pass.")
                     .Register(registry)),
      batch_texts(
          BuildHistogram().Name("fathom_batch_texts").Help("Texts in a pass.").Register(registry)),
      row_layers_run(BuildCounter()
                         .Name("fathom_row_layers_run_total")
                         .Help("Row-layers computed: one token of one text or branch through one "
                               "layer is 1.")
                         .Register(registry)),
      row_layers_shared(
          BuildCounter()
              .Name("fathom_row_layers_shared_total")
              .Help("Row-layers saved by sharing a text's lower layers between tasks.")
              .Register(registry)),
      row_layers_cached(BuildCounter()
                            .Name("fathom_row_layers_cached_total")
                            .Help("Row-layers taken from kept trunks instead of being run.")
                            .Register(registry)),
      row_layers_skipped(BuildCounter()
                             .Name("fathom_row_layers_skipped_total")
                             .Help("Row-layers below n, which ran without the task's adapter.")
                             .Register(registry)),
      deduplicated_items(
          BuildCounter()
              .Name("fathom_deduplicated_items_total")
              .Help("Answers to (text, task, n) that were computed for an equal one of "
                    "another caller, or of the same, at the same time.")
              .Register(registry)),
      cost_model_error(BuildHistogram()
                           .Name("fathom_cost_model_error_ratio")
                           .Help("|actual - predicted| / actual time of a pass.")
                           .Register(registry)),
      skip_layers_chosen(BuildCounter()
                             .Name("fathom_skip_layers_chosen_total")
                             .Help("Answered (text, task) pairs by the skip depth n they ran at.")
                             .Register(registry)),
      depth_reasons(BuildCounter()
                        .Name("fathom_depth_reasons_total")
                        .Help("Answered (text, task) pairs by why they ran at their n.")
                        .Register(registry)),
      expected_quality(BuildHistogram()
                           .Name("fathom_expected_quality_ratio")
                           .Help("Answered (text, task) pairs with a profile: the task's score at "
                                 "the n they ran at, as a share of that at n = 0.")
                           .Register(registry)),
      queue_requests(BuildGauge()
                         .Name("fathom_queue_requests")
                         .Help("Calls that wait for a pass.")
                         .Register(registry)),
      queue_tokens(BuildGauge()
                       .Name("fathom_queue_tokens")
                       .Help("Tokens that wait for a pass, each counted once a task.")
                       .Register(registry)),
      queue_seconds(BuildGauge()
                        .Name("fathom_queue_seconds")
                        .Help("Predicted time of what waits for a pass; 0 without calibration.")
                        .Register(registry)),
      queue_utilization(BuildGauge()
                            .Name("fathom_queue_utilization_ratio")
                            .Help("Share of the queue's limits that is in use, the largest of the "
                                  "three.")
                            .Register(registry)),
      rejections(BuildCounter()
                     .Name("fathom_rejections_total")
                     .Help("Calls that the scheduler refused or dropped, by reason.")
                     .Register(registry)),
      build_info(
          BuildGauge().Name("fathom_build_info").Help("Always 1: what runs.").Register(registry)) {}

prometheus::Histogram::BucketBoundaries DurationBuckets() {
  return {0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02,
          0.05,   0.1,    0.2,    0.5,   1,     2,     5,    10};
}

prometheus::Histogram::BucketBoundaries RowBuckets() { return PowersOfTwo(65536); }

prometheus::Histogram::BucketBoundaries TextBuckets() { return PowersOfTwo(1024); }

prometheus::Histogram::BucketBoundaries ErrorBuckets() {
  return {0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.5, 1, 2};
}

prometheus::Histogram::BucketBoundaries QualityBuckets() {
  return {0.5, 0.7, 0.8, 0.9, 0.925, 0.95, 0.96, 0.97, 0.98, 0.99, 1};
}

}  // namespace fathom
