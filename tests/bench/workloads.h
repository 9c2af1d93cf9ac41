// What fathom-bench times, by name:
//   lone      one text of 16, 32 and 128 tokens, one task, at n = 0 and n = L−1
//   fanout    T tasks on one text, at every n
//   mixed     a batch of sentences, for each one of T tasks and one n, both at random
//   workers   the same batch in one pass of all threads, and in a pass a thread side by side
//   repeat    texts drawn by Zipf's law, T tasks on each at n = L−1, without and with the tap
//   cache;
//             one text again and again with T and with many tasks
//   adapters  one text and one task at n = 0, the task drawn from up to 100 hot ones of 1 … 10,000
//             folders on disk
//   fusion    one text, and a batch of texts: one adapter, fusions of 2, 8 and 16, and one of 8
//   pruned
//             to 2 in each layer; those of 8 also unabsorbed
// All run as a server does: caches asked, planned, executed, heads answered.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runtime/engine.h"
#include "runtime/model/encoder.h"
#include "runtime/pass/plan.h"
#include "tests/bench/case_runner.h"
#include "tests/bench/options.h"
#include "tests/bench/task_pool.h"

namespace fathom::bench {

using Request = std::vector<PassText>;

struct TimedRun {
  double ms = 0;
  PassPlan plan;
  size_t request = 0;
};

// One row of a workload's table.
struct Case {
  std::string name;
  nlohmann::json parameters;
  size_t baseline = 0;            // index of the case that ratios are against
  std::vector<Request> requests;  // run in turn, and from the first again
  int passes_a_round = 1;         // one after the other
  std::shared_ptr<CaseRunner> runner;
  std::vector<TimedRun> runs;
};

struct Workload {
  std::string name;
  std::deque<TokenizedText> texts;  // what the requests point to
  std::vector<Case> cases;
  std::string note;  // for the reader of the table; may be empty
};

// In the order of the list above.
std::vector<std::string> WorkloadNames();

struct WorkloadInputs {
  const Options& options;
  std::shared_ptr<const Encoder> encoder;
};

// REQUIRES: name is one of WorkloadNames(); options.tokens fit the encoder. Seeded: equal inputs
// make equal workloads.
Workload MakeWorkload(const std::string& name, const WorkloadInputs& inputs, TaskPool& pool);

// Runs the cases in turn, round after round, so that a machine that drifts slows all of them. Two
// rounds more come first and are not timed.
void RunRounds(Workload& workload, int rounds);

}  // namespace fathom::bench
