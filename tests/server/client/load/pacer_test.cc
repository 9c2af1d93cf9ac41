#include "server/client/load/pacer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace fathom {
namespace {

TEST(ClosedLoop, ACallerWaitsForItsAnswerAndItsPause) {
  ClosedLoop loop(2, 10);
  EXPECT_EQ(loop.Next(), 0);
  loop.Sent();
  EXPECT_EQ(loop.Next(), 0);
  loop.Sent();
  EXPECT_EQ(loop.Next(), std::nullopt);
  loop.Finished(3, 0.5);
  loop.Finished(3.25, 0);
  EXPECT_EQ(loop.Next(), 3.25);
  loop.Sent();
  EXPECT_EQ(loop.Next(), 3.5);
}

TEST(ClosedLoop, NothingStartsAtTheEnd) {
  ClosedLoop loop(1, 10);
  loop.Sent();
  loop.Finished(10, 0);
  EXPECT_EQ(loop.Next(), std::nullopt);
  EXPECT_EQ(loop.Unsent(), 0);
}

std::vector<double> Arrivals(const OpenLoop::Options& options) {
  OpenLoop loop(options);
  std::vector<double> times;
  while (loop.Next()) {
    times.push_back(*loop.Next());
    loop.Sent();
    loop.Finished(0, 0);
  }
  return times;
}

TEST(OpenLoop, ArrivalsArePoissonAndRepeatWithTheSeed) {
  const std::vector<double> times = Arrivals({.rate = 1000, .end_s = 20, .seed = 3});
  ASSERT_NEAR(static_cast<double>(times.size()), 20000, 500);
  double sum = times[0];
  double squares = times[0] * times[0];
  for (size_t i = 1; i < times.size(); ++i) {
    const double gap = times[i] - times[i - 1];
    ASSERT_GE(gap, 0);
    sum += gap;
    squares += gap * gap;
  }
  const double mean = sum / static_cast<double>(times.size());
  const double deviation = std::sqrt(squares / static_cast<double>(times.size()) - mean * mean);
  EXPECT_NEAR(deviation / mean, 1, 0.05);  // of an exponential distribution they are equal
  EXPECT_EQ(Arrivals({.rate = 1000, .end_s = 20, .seed = 3}), times);
  EXPECT_NE(Arrivals({.rate = 1000, .end_s = 20, .seed = 4}), times);
}

TEST(OpenLoop, ACallThatMustWaitKeepsItsTime) {
  OpenLoop loop({.rate = 100, .end_s = 1, .max_in_flight = 1, .seed = 1});
  loop.Sent();
  EXPECT_EQ(loop.Next(), std::nullopt);  // one is in flight
  loop.Finished(0.9, 0);                 // after a stall
  ASSERT_TRUE(loop.Next());
  EXPECT_LT(*loop.Next(), 0.2);  // as if there had been none
}

TEST(OpenLoop, CountsWhatWasNeverSent) {
  const OpenLoop::Options options = {.rate = 100, .end_s = 1, .max_in_flight = 1, .seed = 1};
  const auto all = static_cast<int64_t>(Arrivals(options).size());
  OpenLoop loop(options);
  EXPECT_EQ(loop.Unsent(), all);
  loop.Sent();
  EXPECT_EQ(loop.Unsent(), all - 1);
  EXPECT_EQ(loop.Unsent(), all - 1);  // asking changes nothing
}

}  // namespace
}  // namespace fathom
