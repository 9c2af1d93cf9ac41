#include "server/schedule/chosen_depths.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fathom {
namespace {

using ::testing::ElementsAre;

class SayDepths : public DepthChooser {
 public:
  explicit SayDepths(DepthTable depths) : depths_(std::move(depths)) {}
  DepthTable Choose(absl::Span<const ScheduledText> /*texts*/,
                    const CutMoment& /*moment*/) override {
    return depths_;
  }
  void OnShadow(const ServableTask& /*task*/, int /*skip_layers*/, const TaskOutput& /*chosen*/,
                const TaskOutput& /*at_zero*/) override {}
  void OnQueueShare(double /*share*/, absl::Time /*now*/) override {}

 private:
  const DepthTable depths_;
};

constexpr int kLayers = 12;
constexpr ChosenDepth kDefault = {.skip_layers = 5, .reason = DepthReason::kTaskDefault};

// One text: a task at the exact n = 3, the same with an open n, and the raw encoder.
std::vector<ScheduledText> Texts() {
  const auto task =
      std::make_shared<const ServableTask>(TaskInfo{.name = "mood", .default_skip_layers = 5});
  const DepthChoice open{.kind = DepthChoice::Kind::kLatencyBudget};
  std::vector<ScheduledText> texts(1);
  texts[0].tasks = {{.task = task, .skip_layers = 3}, {.task = task, .depth = open}, {}};
  return texts;
}

TEST(DefaultDepths, AreWhatWasAskedOrTheTasks) {
  const std::vector<ScheduledText> texts = Texts();
  EXPECT_THAT(DefaultDepths(texts),
              ElementsAre(ElementsAre(ChosenDepth{3, DepthReason::kExact}, kDefault,
                                      ChosenDepth{0, DepthReason::kExact})));
}

TEST(AskForDepths, TakesWhatIsChosenForTheOpenOnes) {
  const ChosenDepth chosen{.skip_layers = 9, .reason = DepthReason::kBrownout, .shadow = true};
  SayDepths chooser({{chosen, chosen, chosen}});
  EXPECT_THAT(AskForDepths(chooser, Texts(), {}, kLayers),
              ElementsAre(ElementsAre(ChosenDepth{3, DepthReason::kExact}, chosen,
                                      ChosenDepth{0, DepthReason::kExact})));
}

TEST(AskForDepths, TakesTheDefaultInPlaceOfNonsense) {
  for (const DepthTable& nonsense :
       {DepthTable{}, DepthTable{{}}, DepthTable{{{}, {.skip_layers = 13}, {}}},
        DepthTable{{{}, {.skip_layers = -1}, {}}}}) {
    SayDepths chooser(nonsense);
    EXPECT_EQ(AskForDepths(chooser, Texts(), {}, kLayers)[0][1], kDefault);
  }
}

TEST(SetDepths, WritesThemIntoTheTasks) {
  std::vector<ScheduledText> texts = Texts();
  SetDepths({{{1}, {2}, {3}}}, absl::MakeSpan(texts));
  EXPECT_EQ(texts[0].tasks[1].skip_layers, 2);
  EXPECT_EQ(texts[0].tasks[2].skip_layers, 3);
}

}  // namespace
}  // namespace fathom
