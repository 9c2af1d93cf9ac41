#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

#include "tests/kernels/device.h"

namespace fathom::kernels {
namespace {

class GatherRowsOn : public ::testing::TestWithParam<Device> {};

TEST_P(GatherRowsOn, CopiesRowsByIndex) {
  constexpr int64_t kSources = 300;
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < 400; ++i) rows.push_back(i * 7 % kSources);  // some twice
  for (const int64_t width : {1, 7, 64, 771}) {
    const std::vector<float> source = RandomFloats(kSources * width, 1);
    for (const int threads : {1, 4}) {
      std::vector<float> out(rows.size() * static_cast<size_t>(width) + 1, kSentinel);
      GetParam().gather_rows({.src = source.data(),
                              .rows = rows.data(),
                              .count = static_cast<int64_t>(rows.size()),
                              .width = width,
                              .dst = out.data()},
                             threads);
      for (size_t i = 0; i + 1 < out.size(); ++i) {
        const size_t column = i % static_cast<size_t>(width);
        const auto row = static_cast<size_t>(rows[i / static_cast<size_t>(width)]);
        ASSERT_EQ(out[i], source[row * static_cast<size_t>(width) + column]) << "element " << i;
      }
      EXPECT_EQ(out.back(), kSentinel);
    }
  }
}

TEST_P(GatherRowsOn, DoesNothingWithoutRows) {
  float out = kSentinel;
  GetParam().gather_rows({.src = nullptr, .rows = nullptr, .count = 0, .width = 8, .dst = &out}, 4);
  EXPECT_EQ(out, kSentinel);
}

INSTANTIATE_TEST_SUITE_P(Devices, GatherRowsOn, ::testing::ValuesIn(AvailableDevices()),
                         [](const auto& device) { return device.param.name; });

}  // namespace
}  // namespace fathom::kernels
