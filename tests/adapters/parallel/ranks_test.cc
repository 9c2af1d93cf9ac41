#include "adapters/parallel/ranks.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>
#include <thread>

#include "adapters/parallel/gradient_sum.h"
#include "tests/support/free_port.h"

namespace fathom::training {
namespace {

using ::testing::HasSubstr;

class RankEnvironmentTest : public ::testing::Test {
 protected:
  void SetUp() override { Set({}); }
  void TearDown() override { Set({}); }

  static void Set(const std::map<std::string, std::string>& variables) {
    for (const char* name : {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}) unsetenv(name);
    for (const auto& [name, value] : variables) setenv(name.c_str(), value.c_str(), 1);
  }
};

TEST_F(RankEnvironmentTest, OneProcessIsNoParallelRun) {
  EXPECT_FALSE(RankFromEnvironment()->has_value());
  Set({{"WORLD_SIZE", "1"}, {"RANK", "0"}});
  EXPECT_FALSE(RankFromEnvironment()->has_value());
}

TEST_F(RankEnvironmentTest, ReadsWhatTorchrunSets) {
  Set({{"WORLD_SIZE", "4"}, {"RANK", "3"}, {"MASTER_ADDR", "node-1"}, {"MASTER_PORT", "29500"}});
  const auto place = RankFromEnvironment();
  ASSERT_TRUE(place.ok()) << place.status();
  EXPECT_EQ((*place)->rank, 3);
  EXPECT_EQ((*place)->size, 4);
  EXPECT_EQ((*place)->address, "node-1");
  EXPECT_EQ((*place)->port, 29500);
}

TEST_F(RankEnvironmentTest, NamesWhatIsWrong) {
  Set({{"WORLD_SIZE", "2"}, {"RANK", "2"}, {"MASTER_ADDR", "a"}, {"MASTER_PORT", "29500"}});
  EXPECT_THAT(std::string(RankFromEnvironment().status().message()),
              HasSubstr("RANK must be a number from 0 to 1; it is '2'"));
  Set({{"WORLD_SIZE", "2"}, {"RANK", "1"}, {"MASTER_ADDR", "a"}});
  EXPECT_THAT(std::string(RankFromEnvironment().status().message()), HasSubstr("MASTER_PORT"));
  Set({{"WORLD_SIZE", "2"}, {"RANK", "1"}, {"MASTER_PORT", "29500"}});
  EXPECT_THAT(std::string(RankFromEnvironment().status().message()), HasSubstr("MASTER_ADDR"));
}

// Runs `work` in two ranks, each on a thread of its own.
template <typename Work>
void RunTwoRanks(Work work) {
  const uint16_t port = testing::FreePort();
  const auto run = [&](int rank) {
    auto ranks = Ranks::Join({.rank = rank, .size = 2, .address = "127.0.0.1", .port = port},
                             std::chrono::seconds(30));
    ASSERT_TRUE(ranks.ok()) << ranks.status();
    work(std::move(*ranks));
  };
  std::thread second([&] { run(1); });
  run(0);
  second.join();
}

TEST(SumGradients, AGradientOfOneRankIsEverybodys) {
  RunTwoRanks([](std::unique_ptr<Ranks> ranks) {
    const float rank = static_cast<float>(ranks->rank());
    TensorMap parameters;
    for (const char* name : {"both", "nobody", "second"}) {
      parameters[name] = at::full({2, 3}, 1.0f).requires_grad_();
    }
    parameters["both"].mutable_grad() = at::full({2, 3}, rank + 1);
    if (rank == 1) parameters["second"].mutable_grad() = at::full({2, 3}, 5.0f);
    StepTotals totals{.loss = 0.25, .stop_requests = rank};
    const absl::Status status = SumGradients(*ranks, parameters, totals);
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_TRUE(at::equal(parameters["both"].grad(), at::full({2, 3}, 3.0f)));
    EXPECT_TRUE(at::equal(parameters["second"].grad(), at::full({2, 3}, 5.0f)));
    EXPECT_FALSE(parameters["nobody"].grad().defined());
    EXPECT_DOUBLE_EQ(totals.loss, 0.5);
    EXPECT_DOUBLE_EQ(totals.stop_requests, 1);
  });
}

TEST(Ranks, ARankThatEndsIsAClearErrorForTheOthers) {
  RunTwoRanks([](std::unique_ptr<Ranks> ranks) {
    at::Tensor values = at::full({2}, 1.0f);
    ASSERT_TRUE(ranks->Sum(values).ok());
    if (ranks->rank() == 1) return;  // and its connections are closed
    const absl::Status status = ranks->Sum(values);
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(std::string(status.message()),
                ::testing::AllOf(HasSubstr("rank 0 of 2"), HasSubstr("--resume")));
  });
}

}  // namespace
}  // namespace fathom::training
