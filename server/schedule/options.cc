#include "server/schedule/options.h"

#include <cmath>

#include "absl/strings/str_cat.h"

namespace fathom {
namespace {

template <typename Number>
absl::Status AtLeast(const char* name, Number value, Number least, const char* why = "") {
  if (std::isfinite(static_cast<double>(value)) && value >= least) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(name, " is ", value, "; it must be at least ", least, why));
}

}  // namespace

absl::Status CheckSchedulerOptions(const SchedulerOptions& options, int max_tokens) {
  absl::Status status = AtLeast<int64_t>("max_queue_requests", options.max_queue_requests, 1);
  status.Update(AtLeast<int64_t>("max_batch_rows", options.max_batch_rows, max_tokens,
                                 ", the encoder's longest text"));
  status.Update(AtLeast("max_queue_rows", options.max_queue_rows, options.max_batch_rows,
                        ", max_batch_rows"));
  status.Update(AtLeast("max_queue_ms", options.max_queue_ms, 0.0));
  status.Update(AtLeast("max_pass_ms", options.max_pass_ms, 0.0));
  status.Update(AtLeast("ageing_ms", options.ageing_ms, 1.0));
  return status;
}

}  // namespace fathom
