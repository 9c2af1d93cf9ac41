// Outcomes of heads that give several labels or tag tokens, and long lists of tasks. Pure
// functions.
#include "server/grpc/outputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "server/grpc/probabilities.h"
#include "server/grpc/task_list.h"
#include "tests/server/fake_engine.h"

namespace fathom {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::HasSubstr;

TaskOutput Logits(std::vector<float> logits) {
  TaskOutput output;
  output.logits = std::move(logits);
  return output;
}

TEST(Sigmoid, IsSafeForLogitsOfAnySize) {
  EXPECT_FLOAT_EQ(Sigmoid(0), 0.5F);
  EXPECT_THAT(Sigmoid(2), FloatNear(0.880797F, 1e-6F));
  EXPECT_THAT(Sigmoid(-2), FloatNear(0.119203F, 1e-6F));
  EXPECT_FLOAT_EQ(Sigmoid(std::numeric_limits<float>::max()), 1);
  EXPECT_FLOAT_EQ(Sigmoid(std::numeric_limits<float>::lowest()), 0);
}

TEST(MakeMultiLabel, GivesAllLabelsByClass) {
  const v1::MultiLabel out = MakeMultiLabel({-2, 2}, {"crime", "drama"});
  ASSERT_EQ(out.labels_size(), 2);
  EXPECT_EQ(out.labels(0).name(), "crime");
  EXPECT_THAT(out.labels(0).probability(), FloatNear(0.1192F, 1e-4F));
  EXPECT_THAT(out.labels(1).probability(), FloatNear(0.8808F, 1e-4F));
}

TEST(MakeTagging, LeavesSpecialTokensOutAndSaysWhereTheOthersStand) {
  const std::vector<TokenSpan> spans = {
      {}, {.begin = 0, .end = 3, .text = 0}, {}, {.begin = 4, .end = 9, .text = 1}, {}};
  const std::vector<float> logits = {9, 0, 0, 3, 9, 0, 2, 2, 9, 0};
  const v1::Tagging out = MakeTagging(logits, {"O", "B"}, spans);
  ASSERT_EQ(out.tags_size(), 2);
  EXPECT_EQ(out.tags(0).label(), "B");
  EXPECT_EQ(out.tags(0).token(), 1);
  EXPECT_EQ(out.tags(0).end(), 3);
  EXPECT_THAT(out.tags(0).probability(), FloatNear(0.9526F, 1e-4F));
  EXPECT_EQ(out.tags(1).label(), "O");  // a tie goes to the first class
  EXPECT_EQ(out.tags(1).token(), 3);
  EXPECT_EQ(out.tags(1).begin(), 4);
  EXPECT_EQ(out.tags(1).text(), 1);
  EXPECT_EQ(MakeTagging(logits, {"O", "B"}, {}).tags_size(), 5);
}

TEST(CheckOutput, RefusesOtherSizesAndNumbersThatAreNone) {
  const TaskInfo names = TaskOfKind("names", HeadKind::kTagging, {"O", "B"});
  const std::vector<TokenSpan> spans(2);
  EXPECT_TRUE(CheckOutput(Logits({1, 2, 3, 4}), names, spans).ok());
  EXPECT_TRUE(CheckOutput(Logits({1, 2, 3, 4, 5, 6}), names, {}).ok());
  for (const std::vector<float>& bad : {std::vector<float>{}, {1, 2, 3}, {1, 2}}) {
    const absl::Status status = CheckOutput(Logits(bad), names, spans);
    EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
    EXPECT_THAT(std::string(status.message()), HasSubstr("'names' answered"));
  }
  EXPECT_THAT(std::string(CheckOutput(Logits({1, NAN, 3, 4}), names, spans).message()),
              HasSubstr("not a finite number"));
  const TaskInfo genres = TaskOfKind("genres", HeadKind::kMultiLabel, {"crime"});
  EXPECT_TRUE(CheckOutput(Logits({1}), genres, spans).ok());
  EXPECT_FALSE(CheckOutput(Logits({1, 2}), genres, spans).ok());
}

TEST(ListTasksPage, WalksTenThousandTasks) {
  constexpr int kTasks = 10'000;
  FakeEngine engine;
  for (int i = 0; i < kTasks; ++i) {
    engine.AddTask(TaskOfKind(absl::StrFormat("task%05d", i), HeadKind::kMultiLabel, {"a", "b"}));
  }
  v1::ListTasksRequest request;
  request.set_page_size(100'000);  // the server sends fewer
  int seen = 0;
  int pages = 0;
  do {
    const auto page = ListTasksPage(engine, TaskDepthPolicies(), request);
    ASSERT_TRUE(page.ok()) << page.status();
    ASSERT_LE(page->tasks_size(), 1000);
    for (const v1::TaskInfo& task : page->tasks()) {
      ASSERT_EQ(task.name(), absl::StrFormat("task%05d", seen));
      ++seen;
    }
    request.set_page_token(page->next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_EQ(seen, kTasks);
  EXPECT_EQ(pages, 10);
}

}  // namespace
}  // namespace fathom
