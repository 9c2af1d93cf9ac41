#include "server/client/load/tally.h"

#include <google/protobuf/util/time_util.h>

#include <algorithm>

#include "server/client/predict_request.h"
#include "server/client/table.h"

namespace fathom {
namespace {

constexpr size_t kMessageWidth = 100;

double Milliseconds(const google::protobuf::Duration& duration) {
  return static_cast<double>(google::protobuf::util::TimeUtil::DurationToNanoseconds(duration)) /
         1e6;
}

// "DEPTH_REASON_EXACT" -> "EXACT"
std::string ShortName(v1::DepthReason reason) {
  const std::string prefix = "DEPTH_REASON_";
  const std::string name = v1::DepthReason_Name(reason);
  return name.rfind(prefix, 0) == 0 ? name.substr(prefix.size()) : "UNKNOWN";
}

}  // namespace

int64_t Tally::calls() const {
  int64_t calls = 0;
  for (const auto& [code, histogram] : latency) calls += histogram.count();
  return calls;
}

void Tally::Add(const CallOutcome& outcome) {
  latency[outcome.code].Add(outcome.latency_ms);
  late += outcome.late ? 1 : 0;
  if (outcome.response != nullptr) {
    AddAnswers(outcome);
    return;
  }
  without_reason_ += outcome.reason.empty() ? 1 : 0;
  ++reasons[{outcome.code, outcome.reason.empty()
                               ? "none given: " + OneLine(outcome.message, kMessageWidth)
                               : outcome.reason}];
}

void Tally::AddAnswers(const CallOutcome& outcome) {
  const v1::Usage& call = outcome.response->usage();
  overhead.Add(outcome.service_ms - Milliseconds(call.compute()));
  tokenize.Add(Milliseconds(call.tokenize()));
  queue.Add(Milliseconds(call.queue()));
  compute.Add(Milliseconds(call.compute()));
  AddUsage(call, usage);
  for (const v1::InputResult& input : outcome.response->results()) {
    item_errors += input.has_error() ? 1 : 0;
    const int tasks = std::min(input.tasks_size(), outcome.request->tasks_size());
    for (int t = 0; t < tasks; ++t) {
      if (input.tasks(t).has_error()) {
        ++item_errors;
      } else {
        AddDepth(input.tasks(t), outcome.request->tasks(t), outcome.service_ms);
      }
    }
  }
}

void Tally::AddDepth(const v1::TaskResult& result, const v1::TaskSelector& asked,
                     double service_ms) {
  const v1::DepthUsed& depth = result.depth();
  ++answers;
  ++depths[result.name()][depth.skip_layers()];
  ++depth_reasons[ShortName(depth.reason())];
  if (depth.quality().has_relative()) {
    relative_quality_sum += depth.quality().relative();
    ++relative_qualities;
  }
  if (!asked.depth().has_latency_budget()) return;
  ++budget.asked;
  if (!depth.budget_met()) return;
  ++budget.said_met;
  budget.kept += service_ms <= Milliseconds(asked.depth().latency_budget()) ? 1 : 0;
}

}  // namespace fathom
