#include "runtime/model/gemm_choice.h"

#include "gtest/gtest.h"

namespace fathom {
namespace {

constexpr GemmCandidate kPlain{GemmForm::kPlain, false};
constexpr GemmCandidate kSeparate{GemmForm::kOneDnn, false};
constexpr GemmCandidate kFused{GemmForm::kOneDnn, true};
constexpr GemmCandidate kPacked{GemmForm::kPackedDense, true};

TEST(ChooseGemm, TakesTheFastestAtEveryKnotAndChangesWhereTheTimesMeet) {
  const GemmChoice choice = ChooseGemm(
      {{kPlain, {{1, 4}, {11, 14}, {100, 90}}}, {kPacked, {{1, 2}, {11, 16}, {100, 200}}}});
  // 4 + r and 2 + 1.4 r meet at r = 5, rows 6.
  EXPECT_EQ(choice.ranges(), (std::vector<GemmRange>{{0, kPacked}, {6, kPlain}}));
  EXPECT_EQ(choice.At(0), kPacked);
  EXPECT_EQ(choice.At(5), kPacked);
  EXPECT_EQ(choice.At(6), kPlain);
  EXPECT_EQ(choice.At(100000), kPlain);
}

TEST(ChooseGemm, DropsAFormThatWinsLittle) {
  const GemmChoice choice =
      ChooseGemm({{kPlain, {{1, 1.00}, {64, 10}}}, {kSeparate, {{1, 1.04}, {64, 5}}}});
  EXPECT_EQ(choice.ranges(), (std::vector<GemmRange>{{0, kSeparate}}));
  EXPECT_FALSE(choice.Uses(GemmForm::kPlain));
}

TEST(ChooseGemm, KeepsAFormThatWinsMuchAtOneKnot) {
  const GemmChoice choice =
      ChooseGemm({{kPlain, {{1, 1.0}, {64, 10}}}, {kSeparate, {{1, 1.2}, {64, 5}}}});
  EXPECT_TRUE(choice.Uses(GemmForm::kPlain));
  EXPECT_TRUE(choice.Uses(GemmForm::kOneDnn));
}

TEST(ChooseGemm, SmallLossesOfSeveralFormsDoNotAddUp) {
  // Without one of kPlain and kPacked 4 % are lost, without both 9 %.
  const GemmChoice choice = ChooseGemm({{kPlain, {{1, 1.00}, {8, 1.04}, {64, 50}}},
                                        {kPacked, {{1, 1.04}, {8, 1.00}, {64, 50}}},
                                        {kSeparate, {{1, 1.09}, {8, 1.09}, {64, 5}}}});
  EXPECT_NE(choice.Uses(GemmForm::kPlain), choice.Uses(GemmForm::kPackedDense));
  EXPECT_EQ(choice.At(64).form, GemmForm::kOneDnn);
}

TEST(ChooseGemm, FusedAndSeparateShareAForm) {
  const GemmChoice choice =
      ChooseGemm({{kSeparate, {{1, 1.01}, {64, 5}}}, {kFused, {{1, 1.00}, {64, 7}}}});
  EXPECT_EQ(choice.At(1), kFused);
  EXPECT_EQ(choice.At(64), kSeparate);
}

TEST(FasterPrecision, WeighsAllKnotsAlike) {
  const GemmShape shape{.out = 8, .in = 8};
  const auto times = [&](double few, double many) {
    return ShapeTimes{{shape, {{kPlain, {{1, few}, {512, many}}}}}};
  };
  EXPECT_EQ(FasterPrecision(times(1, 100), times(0.5, 110)), Precision::kBf16);
  EXPECT_EQ(FasterPrecision(times(1, 100), times(0.97, 97)), Precision::kFp32);
  EXPECT_EQ(FasterPrecision(times(1, 100), times(3, 50)), Precision::kFp32);
}

}  // namespace
}  // namespace fathom
