#include "server/depth/agreement.h"

#include <vector>

#include "gtest/gtest.h"

namespace fathom {
namespace {

TaskOutput Logits(std::vector<float> logits) { return {.logits = std::move(logits)}; }

TaskInfo Task(HeadKind head, std::vector<std::string> labels = {"a", "b", "c"}) {
  return {.head = head, .labels = std::move(labels)};
}

TEST(Agreement, OfClassesIsTheSameLabel) {
  const TaskInfo task = Task(HeadKind::kClassification);
  EXPECT_EQ(Agreement(task, Logits({0, 2, 1}), Logits({-5, 9, 8})), 1);
  EXPECT_EQ(Agreement(task, Logits({0, 2, 1}), Logits({0, 1, 2})), 0);
  EXPECT_EQ(Agreement(task, Logits({3, 3, 1}), Logits({4, 1, 1})), 1) << "the first of equals";
}

TEST(Agreement, OfLabelSetsIsTheSameSet) {
  const TaskInfo task = Task(HeadKind::kMultiLabel);
  EXPECT_EQ(Agreement(task, Logits({-1, 2, 3}), Logits({-9, 1, 1})), 1);
  EXPECT_EQ(Agreement(task, Logits({-1, 2, 3}), Logits({-1, 2, -3})), 0);
  EXPECT_EQ(Agreement(task, Logits({-1, -1, -1}), Logits({-2, -2, -2})), 1);
}

TEST(Agreement, OfTagsIsTheShareOfEqualTags) {
  const TaskInfo task = Task(HeadKind::kTagging, {"O", "B"});
  EXPECT_EQ(Agreement(task, Logits({1, 0, 1, 0, 1, 0, 0, 1}), Logits({1, 0, 1, 0, 0, 1, 0, 1})),
            0.75);
}

TEST(Agreement, OfNumbersIsNotDefined) {
  EXPECT_EQ(Agreement(Task(HeadKind::kRegression, {}), Logits({1}), Logits({1})), std::nullopt);
}

TEST(Agreement, OfWhatCannotBeComparedIsNothing) {
  const TaskInfo task = Task(HeadKind::kClassification);
  const TaskOutput failed{.status = absl::InternalError("no")};
  EXPECT_EQ(Agreement(task, failed, Logits({0, 1, 2})), std::nullopt);
  EXPECT_EQ(Agreement(task, Logits({0, 1, 2}), failed), std::nullopt);
  EXPECT_EQ(Agreement(task, Logits({0, 1, 2}), Logits({0, 1})), std::nullopt);
  EXPECT_EQ(Agreement(task, Logits({}), Logits({})), std::nullopt);
  const TaskOutput state = Logits({0, 1, 2, 3, 4, 5});
  EXPECT_EQ(Agreement(task, state, state), std::nullopt);
  EXPECT_EQ(Agreement(Task(HeadKind::kTagging), Logits({0, 1}), Logits({0, 1})), std::nullopt);
}

}  // namespace
}  // namespace fathom
