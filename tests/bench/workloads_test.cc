#include "tests/bench/workloads.h"

#include <ATen/Parallel.h>

#include <map>
#include <set>

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
    return MakeWorkload(name, {.options = options_, .config = config_, .memory_bytes = memory_},
                        pool_);
  }

  const EncoderConfig config_ = [] {
    EncoderConfig config = SmallEncoderConfig();
    config.max_positions = 128;
    return config;
  }();
  Options options_{.tasks = 3, .tokens = 7, .texts = 9, .bottleneck = 4, .rounds = 2};
  AdapterPool pool_;
  int64_t memory_ = 1 << 20;  // 217 adapters of 4,816 bytes
};

TEST_F(WorkloadsTest, RunByNameAndAnswerEverySequence) {
  const std::map<std::string, std::vector<int64_t>> sequences = {{"lone", {1, 1, 1, 1, 1, 1}},
                                                                 {"fanout", {3, 3, 3, 3}},
                                                                 {"mixed", {9}},
                                                                 {"repeat", {3}},
                                                                 {"adapters", {1, 1, 1}}};
  Executor executor(RandomEncoder(config_, 1));
  for (const std::string& name : WorkloadNames()) {
    Workload workload = Make(name);
    RunRounds(workload, options_.rounds, executor, pool_);
    std::vector<int64_t> found;
    for (const Result& result :
         Summarize(workload, {.hidden = 32, .intermediate = 64, .heads = 4, .bottleneck = 4},
                   {{1, 1.0}})) {
      EXPECT_EQ(result.workload, name);
      EXPECT_GT(result.ms_median, 0);
      EXPECT_GT(result.limit_ms, 0);
      EXPECT_GT(result.row_layers_run, 0);
      found.push_back(result.sequences);
    }
    EXPECT_EQ(found, sequences.at(name)) << name;
    for (const Case& one : workload.cases) EXPECT_EQ(one.ms.size(), 2U) << one.name;
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
      MakeWorkload("lone", {.options = options_, .config = config, .memory_bytes = memory_}, pool_);
  EXPECT_EQ(lone.cases.size(), 4U);  // 16 and 32 tokens
}

TEST_F(WorkloadsTest, DrawsHotAdaptersFromAllOfTheRegisteredOnes) {
  memory_ = 1000 * pool_.bytes_each();
  const Workload adapters = Make("adapters");
  ASSERT_EQ(adapters.cases.size(), 4U);
  EXPECT_THAT(adapters.note, testing::HasSubstr("Not run: 10000 adapters"));
  std::set<int32_t> drawn;
  for (const Pass& pass : adapters.cases.back().passes) {
    drawn.insert(pass.plan.stages[1].epilogue.back().adapter);
  }
  EXPECT_GT(drawn.size(), 30U);
  EXPECT_GT(*drawn.rbegin(), 500);
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
