#include "tests/bench/workloads.h"

#include <ATen/Parallel.h>

#include <map>
#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/bench/report.h"
#include "tests/support/random_model.h"

namespace fathom::bench {
namespace {

class WorkloadsTest : public testing::Test {
 protected:
  WorkloadsTest() : pool_(config_, options_.bottleneck) { at::set_num_threads(1); }

  Workload Make(const std::string& name) {
    return MakeWorkload(name, {.options = options_, .config = config_, .encoder = encoder_}, pool_);
  }

  const EncoderConfig config_ = [] {
    EncoderConfig config = SmallEncoderConfig();
    config.max_positions = 128;
    return config;
  }();
  const std::shared_ptr<const Encoder> encoder_ = RandomEncoder(config_, 1);
  Options options_{
      .tasks = 3, .tokens = 7, .texts = 9, .bottleneck = 4, .registered = 100, .rounds = 2};
  AdapterPool pool_;
};

TEST_F(WorkloadsTest, RunByNameAndAnswerEverySequence) {
  const std::map<std::string, std::vector<int64_t>> sequences = {{"lone", {1, 1, 1, 1, 1, 1}},
                                                                 {"fanout", {3, 3, 3, 3}},
                                                                 {"mixed", {9}},
                                                                 {"repeat", {3}},
                                                                 {"adapters", {1, 1}}};
  const RowTimes knots = {{1, 1.0}};
  const Expectations expectations = {
      .sizes = {.hidden = 32, .intermediate = 64, .heads = 4, .bottleneck = 4},
      .curve = {{1, 1.0}},
      .costs = {
          .query_key_value = knots, .attention_dense = knots, .ffn = knots, .epilogue = knots}};
  Executor executor(encoder_);
  for (const std::string& name : WorkloadNames()) {
    Workload workload = Make(name);
    RunRounds(workload, options_.rounds, executor, pool_);
    std::vector<int64_t> found;
    for (const Result& result : Summarize(workload, expectations)) {
      EXPECT_EQ(result.workload, name);
      EXPECT_GT(result.ms_median, 0);
      EXPECT_GT(result.limit_ms, 0);
      EXPECT_GT(result.predicted_ms, 0);
      EXPECT_GT(result.row_layers_run, 0);
      found.push_back(result.sequences);
    }
    EXPECT_EQ(found, sequences.at(name)) << name;
    for (const Case& one : workload.cases) {
      EXPECT_EQ(one.ms.size(), name == "adapters" ? 20U : 2U) << one.name;
    }
  }
}

TEST_F(WorkloadsTest, PassesOfACaseHaveEqualWork) {
  for (const std::string& name : WorkloadNames()) {
    for (const Case& one : Make(name).cases) {
      for (const Pass& pass : one.passes) {
        double work = 0;
        for (size_t i = 0; i < pass.plan.work.size(); ++i) {
          work += pass.plan.work[i].row_layers_run - one.passes[0].plan.work[i].row_layers_run;
        }
        EXPECT_EQ(work, 0) << one.name;
      }
    }
  }
}

TEST_F(WorkloadsTest, LeavesOutLengthsAboveTheEncodersLimit) {
  EncoderConfig config = config_;
  config.max_positions = 40;
  const Workload lone =
      MakeWorkload("lone", {.options = options_, .config = config, .encoder = nullptr}, pool_);
  EXPECT_EQ(lone.cases.size(), 4U);  // 16 and 32 tokens
}

TEST_F(WorkloadsTest, HotTasksAreSpreadOverTheFoldersAndReadOnce) {
  options_.registered = 1000;
  options_.rounds = 20;
  Workload adapters = Make("adapters");
  const Case& most = adapters.cases.back();
  ASSERT_EQ(most.parameters["registered"], 1000);
  std::set<int> drawn;
  for (const Pass& pass : most.passes) {
    drawn.insert(std::stoi(pass.request[0].tasks[0].task->info().name));
  }
  EXPECT_GT(drawn.size(), 50U);
  EXPECT_GT(*drawn.rbegin(), 900);
  Executor executor(encoder_);
  RunRounds(adapters, 1, executor, pool_);
  EXPECT_EQ(most.registered->weights().counts().misses, 100);
  EXPECT_EQ(most.registered->weights().counts().hits, 30);  // two rounds more, to warm up
}

TEST_F(WorkloadsTest, RepeatComesBackToTexts) {
  const Workload repeat = Make("repeat");
  std::set<const TokenizedText*> distinct;
  for (const Pass& pass : repeat.cases[0].passes) distinct.insert(pass.texts[0]);
  EXPECT_LT(distinct.size(), repeat.cases[0].passes.size());
  EXPECT_GT(distinct.size(), 10U);
}

}  // namespace
}  // namespace fathom::bench
