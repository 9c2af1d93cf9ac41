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

TEST(PredictReport, SaysWhyAnNThatTheServerChose) {
  v1::PredictResponse response;
  v1::TaskResult* task = response.add_results()->add_tasks();
  task->mutable_regression()->set_value(1);
  task->mutable_depth()->set_skip_layers(3);
  task->mutable_depth()->set_reason(v1::DEPTH_REASON_LATENCY_BUDGET);
  EXPECT_THAT(PredictReport({"x"}, response), HasSubstr("3 (budget)  not"));
  task->mutable_depth()->set_budget_met(false);
  EXPECT_THAT(PredictReport({"x"}, response), HasSubstr("3 (budget) late  not"));
  task->mutable_depth()->clear_budget_met();
  task->mutable_depth()->set_reason(v1::DEPTH_REASON_BROWNOUT);
  EXPECT_THAT(PredictReport({"x"}, response), HasSubstr("3 (brown-out)  not"));
}

v1::TokenTag Tag(const std::string& label, uint32_t begin, uint32_t end) {
  v1::TokenTag tag;
  tag.set_label(label);
  tag.set_begin(begin);
  tag.set_end(end);
  tag.set_probability(0.5F);
  return tag;
}

v1::Label NamedLabel(const std::string& name, float probability) {
  v1::Label label;
  label.set_name(name);
  label.set_probability(probability);
  return label;
}

TEST(PredictReport, ShowsTagsLabelsAndFailedInputs) {
  v1::PredictResponse response;
  v1::Tagging* tagging = response.add_results()->add_tasks()->mutable_tagging();
  *tagging->add_tags() = Tag("O", 0, 1);
  *tagging->add_tags() = Tag("B-PER", 2, 7);
  *tagging->add_tags() = Tag("I-PER", 8, 9);
  v1::MultiLabel* labels = response.add_results()->add_tasks()->mutable_multi_label();
  *labels->add_labels() = NamedLabel("sport", 0.75F);
  *labels->add_labels() = NamedLabel("war", 0.25F);
  response.add_results()->mutable_error()->set_message("not UTF-8");
  response.add_results()->add_tasks()->mutable_multi_label();
  const std::string report = PredictReport({"a", "b", "c", "d"}, response);
  EXPECT_THAT(report, HasSubstr("  B-PER [2, 7) 0.500, I-PER [8, 9) 0.500  "));
  EXPECT_THAT(report, HasSubstr("  sport 0.750  "));
  EXPECT_THAT(report, HasSubstr("error: not UTF-8"));
  EXPECT_THAT(report, HasSubstr("d           none"));
}

TEST(AnswerLines, AreALineATaskOrTheError) {
  v1::PredictStreamResponse response;
  for (const char* name : {"a", "b"}) {
    if (response.response().results().empty()) response.mutable_response()->add_results();
    v1::TaskResult* task = response.mutable_response()->mutable_results(0)->add_tasks();
    task->set_name(name);
    task->mutable_regression()->set_value(2.5F);
  }
  EXPECT_EQ(AnswerLines("hi", response), "hi  a  2.500  n = 0\nhi  b  2.500  n = 0\n");
  response.mutable_error()->set_message("no");
  EXPECT_EQ(AnswerLines("hi", response), "hi  error: no\n");
}

}  // namespace
}  // namespace fathom
