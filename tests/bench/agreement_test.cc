#include "tests/bench/agreement.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fathom::bench {
namespace {

TEST(Agreement, CountsLabelsAndDifferences) {
  Agreement agreement{.task = "mood"};
  Add(std::vector<float>{1, 2}, std::vector<float>{1.5, 2}, agreement);
  Add(std::vector<float>{1, 2}, std::vector<float>{3, 2}, agreement);
  EXPECT_EQ(agreement.texts, 2);
  EXPECT_EQ(agreement.same_label, 1);
  EXPECT_DOUBLE_EQ(agreement.max_difference, 2);
  EXPECT_DOUBLE_EQ(agreement.mean_difference, (0.25 + 1) / 2);
  EXPECT_THAT(MarkdownTable({&agreement, 1}),
              ::testing::HasSubstr("| mood | 0 | 2 | 1 | 50.00 % | 2.0000 | 0.62500 |"));
}

}  // namespace
}  // namespace fathom::bench
