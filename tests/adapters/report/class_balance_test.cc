#include "adapters/report/class_balance.h"

#include <gtest/gtest.h>

namespace fathom::training {
namespace {

TEST(ClassBalance, NamesTheCommonestAndTheRarestClass) {
  Dataset data;
  data.labels = {"a", "b", "c"};
  for (const int label : {1, 1, 0, 1, 2, 1, 0, 1}) data.examples.push_back({.label = label});
  EXPECT_EQ(FormatClassBalance(data), "commonest b 62.5 %, rarest c 12.5 %");
}

}  // namespace
}  // namespace fathom::training
