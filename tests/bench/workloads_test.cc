#include "tests/bench/workloads.h"

#include <ATen/Parallel.h>

#include <map>
#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/bench/registered_tasks.h"
#include "tests/bench/report.h"
#include "tests/support/random_model.h"

namespace fathom::bench {
namespace {

class WorkloadsTest : public testing::Test {
 protected:
  WorkloadsTest() : pool_(config_, options_.bottleneck) { at::set_num_threads(1); }

  Workload Make(const std::string& name) {
    return MakeWorkload(name, {.options = options_, .encoder = encoder_}, pool_);
  }

  const EncoderConfig config_ = [] {
    EncoderConfig config = SmallEncoderConfig();
    config.max_positions = 128;
    return config;
  }();
  const std::shared_ptr<const Encoder> encoder_ = RandomEncoder(config_, 1);
  Options options_{.tasks = 3,
                   .tokens = 7,
                   .texts = 9,
                   .bottleneck = 4,
                   .cached_tasks = 20,
                   .registered = 100,
                   .rounds = 2};
  TaskPool pool_;
};

TEST_F(WorkloadsTest, RunByNameAndAnswerEverySequence) {
  const std::map<std::string, std::vector<int64_t>> sequences = {
      {"lone", {1, 1, 1, 1, 1, 1}},
      {"fanout", {3, 3, 3, 3}},
      {"mixed", {9}},
      {"workers", {9, 9}},
      {"repeat", {3, 3, 1, 3, 20}},
      {"adapters", {1, 1}},
      {"fusion", {1, 1, 1, 1, 1, 1, 1, 9, 9, 9, 9, 9, 9, 9}}};
  const RowTimes knots = {{1, 1.0}};
  const Expectations expectations = {
      .sizes = {.hidden = 32, .intermediate = 64, .heads = 4, .bottleneck = 4},
      .curve = {{1, 1.0}},
      .costs = {
          .query_key_value = knots, .attention_dense = knots, .ffn = knots, .epilogue = knots}};
  for (const std::string& name : WorkloadNames()) {
    Workload workload = Make(name);
    RunRounds(workload, options_.rounds);
    std::vector<int64_t> found;
    for (const Result& result : Summarize(workload, expectations)) {
      EXPECT_EQ(result.workload, name);
      EXPECT_GT(result.ms_median, 0);
      EXPECT_GT(result.limit_ms, 0);
      EXPECT_GT(result.predicted_ms, 0);
      EXPECT_GT(result.row_layers_run + result.row_layers_cached, 0);
      found.push_back(result.sequences);
    }
    EXPECT_EQ(found, sequences.at(name)) << name;
    for (const Case& one : workload.cases) {
      EXPECT_EQ(one.runs.size(), 2 * static_cast<size_t>(one.passes_a_round)) << one.name;
    }
  }
}

TEST_F(WorkloadsTest, LeavesOutLengthsAboveTheEncodersLimit) {
  EncoderConfig config = config_;
  config.max_positions = 40;
  const auto encoder = RandomEncoder(config, 1);
  const Workload lone = MakeWorkload("lone", {.options = options_, .encoder = encoder}, pool_);
  EXPECT_EQ(lone.cases.size(), 4U);  // 16 and 32 tokens
}

TEST_F(WorkloadsTest, RepeatedTextsRunLessWithTheCache) {
  options_.rounds = 10;
  Workload repeat = Make("repeat");
  RunRounds(repeat, options_.rounds);
  const auto run = [&](size_t index) {
    double rows = 0;
    for (const TimedRun& timed : repeat.cases[index].runs) {
      rows += timed.plan.work[0].row_layers_run;
    }
    return rows;
  };
  EXPECT_GT(run(0), 0);
  EXPECT_LT(run(1), run(0));
  EXPECT_EQ(run(2), 0);
  EXPECT_EQ(run(3), 0);
}

TEST_F(WorkloadsTest, HotTasksAreSpreadOverTheFoldersAndReadOnce) {
  options_.registered = 1000;
  options_.rounds = 20;
  Workload adapters = Make("adapters");
  const Case& most = adapters.cases.back();
  ASSERT_EQ(most.parameters["registered"], 1000);
  std::set<int> drawn;
  for (const Request& request : most.requests) {
    drawn.insert(std::stoi(request[0].tasks[0].task->info().name));
  }
  EXPECT_GT(drawn.size(), 50U);
  EXPECT_GT(*drawn.rbegin(), 900);
  RunRounds(adapters, 1);
  const auto& registered = static_cast<const RegisteredTasks&>(*most.runner);
  EXPECT_EQ(registered.weights().counts().misses, 100);
  EXPECT_EQ(registered.weights().counts().hits, 30);  // two rounds more, to warm up
}

TEST_F(WorkloadsTest, RepeatComesBackToTexts) {
  const Workload repeat = Make("repeat");
  std::set<const TokenizedText*> distinct;
  for (const Request& request : repeat.cases[0].requests) distinct.insert(request[0].text);
  EXPECT_LT(distinct.size(), repeat.cases[0].requests.size());
  EXPECT_GT(distinct.size(), 10U);
}

}  // namespace
}  // namespace fathom::bench
