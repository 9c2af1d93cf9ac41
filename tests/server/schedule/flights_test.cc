#include "server/schedule/flights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/schedule/queued_request.h"

namespace fathom {
namespace {

using ::testing::ElementsAre;

class FlightTableTest : public ::testing::Test {
 protected:
  static HashedText Text(std::vector<int32_t> ids, int32_t segment = 0) {
    TokenizedText text{.ids = std::move(ids)};
    text.segment_ids.assign(text.ids.size(), segment);
    return HashText(std::make_shared<const TokenizedText>(std::move(text)));
  }

  const ScheduledTask task_{.task = std::make_shared<ServableTask>(TaskInfo{.name = "mood"})};
  QueuedRequest one_{{}, nullptr};
  QueuedRequest other_{{}, nullptr};
  FlightTable table_;
};

TEST_F(FlightTableTest, OneFlightForTheSameTextTaskAndDepth) {
  const FlightPtr flight = table_.Join(Text({1, 2}), task_, &one_);
  EXPECT_EQ(table_.Join(Text({1, 2}), task_, &other_), flight);
  EXPECT_THAT(flight->holders, ElementsAre(&one_, &other_));
  EXPECT_EQ(table_.size(), 1U);
}

TEST_F(FlightTableTest, AnotherFlightForWhateverDiffers) {
  const FlightPtr flight = table_.Join(Text({1, 2}), task_, &one_);
  ScheduledTask deeper = task_;
  deeper.skip_layers = 1;
  // An equal name is not an equal version.
  const ScheduledTask reloaded{.task = std::make_shared<ServableTask>(TaskInfo{.name = "mood"})};
  EXPECT_NE(table_.Join(Text({1, 3}), task_, &other_), flight);
  EXPECT_NE(table_.Join(Text({1, 2}, 1), task_, &other_), flight);
  EXPECT_NE(table_.Join(Text({1, 2}), deeper, &other_), flight);
  EXPECT_NE(table_.Join(Text({1, 2}), reloaded, &other_), flight);
  EXPECT_EQ(table_.size(), 5U);
}

TEST_F(FlightTableTest, TellsOutputsOfTheRawEncoderApart) {
  const ScheduledTask cls{.output = PassOutput::kClsState};
  const ScheduledTask mean{.output = PassOutput::kMeanState};
  const FlightPtr flight = table_.Join(Text({1}), cls, &one_);
  EXPECT_EQ(table_.Join(Text({1}), cls, &other_), flight);
  EXPECT_NE(table_.Join(Text({1}), mean, &other_), flight);
}

TEST_F(FlightTableTest, IsComputedAnewOnceForgotten) {
  const FlightPtr flight = table_.Join(Text({1}), task_, &one_);
  flight->state = Flight::State::kRunning;
  table_.Forget(*flight);
  const FlightPtr again = table_.Join(Text({1}), task_, &other_);
  EXPECT_NE(again, flight);
  table_.Finish(*flight);  // leaves the new one
  EXPECT_EQ(table_.Join(Text({1}), task_, &one_), again);
}

TEST_F(FlightTableTest, ComparesTextsInFullWhateverTheirHashes) {
  HashedText text = Text({1, 2});
  HashedText same_hash = Text({1, 3});
  same_hash.hash = text.hash;
  EXPECT_NE(table_.Join(text, task_, &one_), table_.Join(same_hash, task_, &one_));
}

TEST_F(FlightTableTest, StaysForTheOthersWhenOneLeaves) {
  const FlightPtr flight = table_.Join(Text({1}), task_, &one_);
  table_.Join(Text({1}), task_, &other_);
  table_.Leave(*flight, &one_);
  EXPECT_THAT(flight->holders, ElementsAre(&other_));
  EXPECT_EQ(table_.Join(Text({1}), task_, &one_), flight);
}

TEST_F(FlightTableTest, IsForgottenWhenNobodyWaitsForIt) {
  const FlightPtr flight = table_.Join(Text({1}), task_, &one_);
  table_.Leave(*flight, &one_);
  EXPECT_EQ(table_.size(), 0U);
  EXPECT_NE(table_.Join(Text({1}), task_, &one_), flight);
}

TEST_F(FlightTableTest, MayBeJoinedWhileItRunsForNobody) {
  const FlightPtr flight = table_.Join(Text({1}), task_, &one_);
  flight->state = Flight::State::kRunning;
  table_.Leave(*flight, &one_);
  EXPECT_EQ(table_.Join(Text({1}), task_, &other_), flight);
}

TEST_F(FlightTableTest, IsComputedAnewOnceDone) {
  const FlightPtr flight = table_.Join(Text({1}), task_, &one_);
  table_.Finish(*flight);
  EXPECT_EQ(flight->state, Flight::State::kDone);
  EXPECT_EQ(table_.size(), 0U);
  EXPECT_NE(table_.Join(Text({1}), task_, &one_), flight);
}

}  // namespace
}  // namespace fathom
