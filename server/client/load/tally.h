// Tally: what came of the calls of a load, as the client saw it and as the server said.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "fathom/v1/inference_service.pb.h"
#include "server/client/load/histogram.h"

namespace fathom {

// One call that ended.
struct CallOutcome {
  int64_t call = 0;        // from 0, in the order of sending
  double latency_ms = 0;   // from when it should have started to its answer
  double service_ms = 0;   // from when it was sent to its answer
  double sent_unix_s = 0;  // when it was sent, by the system's clock
  bool late = false;       // it started long after it should have
  std::string code;        // "OK", "RESOURCE_EXHAUSTED" …
  std::string reason;      // of the error's details; empty: none
  std::string message;     // of the error
  const v1::PredictRequest* request = nullptr;
  const v1::PredictResponse* response = nullptr;  // of a call that is OK
};

struct BudgetTally {
  int64_t asked = 0;     // answers to a latency_budget
  int64_t said_met = 0;  // of those, that the server says to be within it
  int64_t kept = 0;      // of those, whose call was answered within it as the client measured it
};

struct Tally {
  void Add(const CallOutcome& outcome);

  int64_t calls() const;
  // Calls that failed and whose error has no reason in its details.
  int64_t without_reason() const { return without_reason_; }

  std::map<std::string, LatencyHistogram> latency;                 // by code
  std::map<std::pair<std::string, std::string>, int64_t> reasons;  // by code and reason
  int64_t late = 0;

  // Of calls that are OK.
  LatencyHistogram overhead;  // service_ms without the compute time that the server says
  LatencyHistogram tokenize;  // as the server says, like the next two
  LatencyHistogram queue;
  LatencyHistogram compute;
  v1::Usage usage;  // summed; batch_inputs: the largest

  // Of (input, task) pairs.
  int64_t answers = 0;
  int64_t item_errors = 0;
  std::map<std::string, std::map<uint32_t, int64_t>> depths;  // by task and n
  std::map<std::string, int64_t> depth_reasons;               // "EXACT", "BROWNOUT" …
  BudgetTally budget;
  double relative_quality_sum = 0;  // of expected score(n) / score(0)
  int64_t relative_qualities = 0;

 private:
  void AddAnswers(const CallOutcome& outcome);
  void AddDepth(const v1::TaskResult& result, const v1::TaskSelector& asked, double service_ms);

  int64_t without_reason_ = 0;
};

}  // namespace fathom
