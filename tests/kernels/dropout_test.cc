#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

#include "tests/kernels/device.h"

namespace fathom::kernels {
namespace {

constexpr uint64_t kKey = 0xFEDCBA9876543210u;
constexpr uint16_t kDroppedBelow = 6554;  // a tenth
constexpr float kScale = 1.0f / 0.9f;

// java.util.SplittableRandom's generator, step by step.
std::vector<uint16_t> Draws(int64_t count) {
  std::vector<uint16_t> draws;
  uint64_t state = kKey;
  while (static_cast<int64_t>(draws.size()) < count) {
    state += 0x9E3779B97F4A7C15u;
    uint64_t word = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9u;
    word = (word ^ (word >> 27)) * 0x94D049BB133111EBu;
    word ^= word >> 31;
    for (int part = 0; part < 4; ++part) draws.push_back(static_cast<uint16_t>(word >> 16 * part));
  }
  return draws;
}

class DropoutOn : public ::testing::TestWithParam<Device> {
 protected:
  std::vector<float> Run(const std::vector<float>& x, int64_t count, int threads) {
    std::vector<float> out(x.size(), kSentinel);
    GetParam().dropout({.x = x.data(),
                        .out = out.data(),
                        .count = count,
                        .key = kKey,
                        .dropped_below = kDroppedBelow,
                        .scale = kScale},
                       threads);
    return out;
  }
};

TEST_P(DropoutOn, DropsByTheDrawOfEachElement) {
  for (const int64_t count : {0, 1, 3, 4, 5, 31, 32, 33, 100, 1024, 200'003}) {
    const std::vector<float> x = RandomFloats(count + 1, 1);
    const std::vector<uint16_t> draws = Draws(count);
    for (const int threads : {1, 2, 3}) {
      const std::vector<float> out = Run(x, count, threads);
      for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
        ASSERT_EQ(out[i], draws[i] < kDroppedBelow ? 0.0f : x[i] * kScale)
            << "element " << i << " of " << count << ", " << threads << " threads";
      }
      EXPECT_EQ(out.back(), kSentinel);
    }
  }
}

TEST_P(DropoutOn, DropsItsShare) {
  constexpr int64_t kCount = 400'000;
  const std::vector<float> out = Run(std::vector<float>(kCount, 1.0f), kCount, 1);
  double sum = 0;
  for (const float value : out) sum += value;
  EXPECT_NEAR(sum / kCount, 1, 0.002);  // four deviations
}

TEST_P(DropoutOn, WritesOverItsInput) {
  const std::vector<float> x = RandomFloats(1000, 2);
  std::vector<float> inout = x;
  GetParam().dropout({.x = inout.data(),
                      .out = inout.data(),
                      .count = 1000,
                      .key = kKey,
                      .dropped_below = kDroppedBelow,
                      .scale = kScale},
                     1);
  EXPECT_EQ(inout, Run(x, 1000, 1));
}

INSTANTIATE_TEST_SUITE_P(Devices, DropoutOn, ::testing::ValuesIn(AvailableDevices()),
                         [](const auto& device) { return device.param.name; });

}  // namespace
}  // namespace fathom::kernels
