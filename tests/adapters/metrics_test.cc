#include "adapters/metrics.h"

#include <gtest/gtest.h>

#include <vector>

namespace fathom::training {
namespace {

// Expected values: make_metric_golden.py.
constexpr double kTolerance = 1e-11;

struct Case {
  const char* title;
  std::vector<int> predicted;
  std::vector<int> expected;
  int classes;
  double accuracy;
  double f1;
  double macro_f1;
  double matthews;
};

TEST(Metrics, ClassificationEqualsScikitLearn) {
  const Case cases[] = {
      {"two classes",
       {1, 0, 1, 1, 0, 0, 1, 0, 1, 1},
       {1, 0, 0, 1, 0, 1, 1, 0, 1, 0},
       2,
       0.7,
       0.727272727273,
       0.696969696970,
       0.408248290464},
      {"three classes",
       {0, 1, 2, 2, 1, 0, 0, 2, 1, 1, 0, 2},
       {0, 1, 1, 2, 1, 0, 2, 2, 0, 1, 0, 1},
       3,
       0.666666666667,
       0.662698412698,
       0.662698412698,
       0.505291152640},
      {"a class that does not occur",
       {0, 0, 2, 2, 0},
       {0, 2, 2, 2, 0},
       3,
       0.8,
       0.8,
       0.8,
       0.666666666667},
  };
  for (const Case& one : cases) {
    const Classified answers{one.predicted, one.expected, one.classes};
    EXPECT_NEAR(Accuracy(answers), one.accuracy, kTolerance) << one.title;
    EXPECT_NEAR(F1(answers), one.f1, kTolerance) << one.title;
    EXPECT_NEAR(MacroF1(answers), one.macro_f1, kTolerance) << one.title;
    EXPECT_NEAR(Matthews(answers), one.matthews, kTolerance) << one.title;
  }
}

TEST(Metrics, CorrelationsEqualScipyWithTies) {
  const std::vector<double> predicted = {0.1, 2.5, 3.0, 3.0, 4.75, -1.0, 2.5};
  const std::vector<double> expected = {0.0, 2.0, 3.5, 3.0, 5.0, 0.0, 2.0};
  EXPECT_NEAR(Pearson(predicted, expected), 0.960391591870, kTolerance);
  EXPECT_NEAR(Spearman(predicted, expected), 0.981481481481, kTolerance);
}

TEST(Metrics, SpearmanSeesOrderOnly) {
  const std::vector<double> values = {1, 2, 3, 4};
  const std::vector<double> cubes = {1, 8, 27, 64};
  const std::vector<double> falling = {4, 3, 2, 1};
  EXPECT_DOUBLE_EQ(Spearman(values, cubes), 1);
  EXPECT_DOUBLE_EQ(Spearman(values, falling), -1);
  EXPECT_LT(Pearson(values, cubes), 1);
}

TEST(Metrics, AConstantAnswerIsABaselineAndNotAnError) {
  const std::vector<int> ones = {1, 1, 1, 1};
  const std::vector<int> zeros = {0, 0, 0, 0};
  const std::vector<int> expected = {1, 0, 1, 1};
  EXPECT_DOUBLE_EQ(Accuracy({ones, expected, 2}), 0.75);
  EXPECT_DOUBLE_EQ(Matthews({ones, expected, 2}), 0);
  EXPECT_DOUBLE_EQ(F1({zeros, expected, 2}), 0);
  const std::vector<double> constant = {2, 2, 2};
  const std::vector<double> rising = {1, 2, 3};
  EXPECT_DOUBLE_EQ(Pearson(constant, rising), 0);
  EXPECT_DOUBLE_EQ(Spearman(constant, rising), 0);
}

TEST(Metrics, NothingScoresNothing) {
  EXPECT_DOUBLE_EQ(Accuracy({{}, {}, 2}), 0);
  EXPECT_DOUBLE_EQ(F1({{}, {}, 3}), 0);
  EXPECT_DOUBLE_EQ(Pearson({}, {}), 0);
}

TEST(Metrics, NamesRoundTripAndEvaluateDispatches) {
  const std::vector<int> predicted = {1, 1, 0};
  const std::vector<int> expected = {1, 0, 0};
  const Classified answers{predicted, expected, 2};
  EXPECT_DOUBLE_EQ(Evaluate(*ParseMetric("accuracy"), answers), Accuracy(answers));
  EXPECT_DOUBLE_EQ(Evaluate(*ParseMetric("f1"), answers), F1(answers));
  EXPECT_DOUBLE_EQ(Evaluate(*ParseMetric("macro_f1"), answers), MacroF1(answers));
  EXPECT_DOUBLE_EQ(Evaluate(*ParseMetric("matthews"), answers), Matthews(answers));
  const std::vector<double> a = {1, 2, 4};
  const std::vector<double> b = {1, 3, 4};
  EXPECT_DOUBLE_EQ(Evaluate(*ParseMetric("pearson"), a, b), Pearson(a, b));
  EXPECT_DOUBLE_EQ(Evaluate(*ParseMetric("spearman"), a, b), Spearman(a, b));
  EXPECT_EQ(ParseMetric("mcc"), std::nullopt);
  for (const char* name : {"accuracy", "f1", "macro_f1", "matthews", "pearson", "spearman"}) {
    EXPECT_EQ(MetricName(*ParseMetric(name)), name);
  }
}

}  // namespace
}  // namespace fathom::training
