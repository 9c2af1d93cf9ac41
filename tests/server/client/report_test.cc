#include "server/client/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/client/table.h"

namespace fathom {
namespace {

using ::testing::HasSubstr;

TEST(Table, AlignsByCharactersNotBytes) {
  Table table({"a", "b"});
  table.AddRow({"é", "x"});
  table.AddRow({"long", "y"});
  EXPECT_EQ(table.ToString(), "a     b\né     x\nlong  y\n");
}

TEST(OneLine, CutsWholeCharactersAndCleansControlOnes) {
  EXPECT_EQ(OneLine("ééé", 2), "éé…");
  EXPECT_EQ(OneLine("ééé", 3), "ééé");
  EXPECT_EQ(OneLine("a\nb\tc\x1b", 10), "a b c ");
}

TEST(Bar, IsTenCells) {
  EXPECT_EQ(Bar(0), "░░░░░░░░░░");
  EXPECT_EQ(Bar(0.55), "██████░░░░");
  EXPECT_EQ(Bar(1.5), "██████████");
}

TEST(PredictReport, ShowsTheTextOnceAndSaysWhenItWasCut) {
  v1::PredictResponse response;
  v1::InputResult* result = response.add_results();
  result->set_truncated(true);
  for (const char* name : {"a", "b"}) {
    v1::TaskResult* task = result->add_tasks();
    task->set_name(name);
    task->mutable_regression()->set_value(2.5F);
    task->mutable_depth()->set_skip_layers(3);
  }
  const std::string report = PredictReport({"hello"}, response);
  EXPECT_THAT(report, HasSubstr("hello (cut)  a     2.500               3  not measured\n"));
  EXPECT_THAT(report, HasSubstr("\n             b     2.500               3  not measured\n"));
}

}  // namespace
}  // namespace fathom
