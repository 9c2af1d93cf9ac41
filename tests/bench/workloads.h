// What fathom-bench times, by name:
//   lone      one text of 16, 32 and 128 tokens, one task, at n = 0 and n = L−1
//   fanout    T tasks on one text, at every n
//   mixed     a batch of sentences, for each one of T tasks and one n, both at random
//   repeat    texts drawn by Zipf's law, T tasks on each at n = L−1
//   adapters  one text and one task at n = 0, the task drawn from up to 100 hot ones of 1 … 10,000
//             folders on disk; the whole pass with its head, weights asked for as a server does
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runtime/model/encoder_config.h"
#include "runtime/pass/executor.h"
#include "tests/bench/options.h"
#include "tests/bench/registered_tasks.h"

namespace fathom::bench {

// Random Pfeiffer adapters. It only grows, and adapters stay where they are.
class AdapterPool {
 public:
  AdapterPool(const EncoderConfig& config, int bottleneck);

  void Grow(int count);
  const std::vector<const Adapter*>& adapters() const { return pointers_; }

 private:
  const EncoderConfig config_;
  const int bottleneck_;
  std::deque<Adapter> adapters_;
  std::vector<const Adapter*> pointers_;
};

struct Pass {
  PassPlan plan;
  std::vector<const TokenizedText*> texts;
  std::vector<PassText> request;  // of a case with registered tasks: the same, to be planned
};

// One row of a workload's table.
struct Case {
  std::string name;
  nlohmann::json parameters;
  size_t baseline = 0;                          // index of the case that ratios are against
  std::vector<Pass> passes;                     // equal work; run in turn, and from the first again
  int passes_a_round = 1;                       // one after the other
  std::shared_ptr<RegisteredTasks> registered;  // null: the adapters are the pool's
  std::vector<double> ms;                       // of the timed rounds
};

struct Workload {
  std::string name;
  std::deque<TokenizedText> texts;  // what the passes point to
  std::vector<Case> cases;
  std::string note;  // for the reader of the table; may be empty
};

// In the order of the list above.
std::vector<std::string> WorkloadNames();

struct WorkloadInputs {
  const Options& options;
  const EncoderConfig& config;
  std::shared_ptr<const Encoder> encoder;  // of that config
};

// REQUIRES: name is one of WorkloadNames(); options.tokens fit the encoder. Seeded: equal inputs
// make equal workloads.
Workload MakeWorkload(const std::string& name, const WorkloadInputs& inputs, AdapterPool& pool);

// Runs the cases in turn, round after round, so that a machine that drifts slows all of them. Two
// rounds more come first and are not timed.
void RunRounds(Workload& workload, int rounds, Executor& executor, const AdapterPool& pool);

}  // namespace fathom::bench
