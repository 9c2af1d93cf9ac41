// Fusions of bottlenecks in adapter_layer_norm; ordinary bottlenecks are in adapter_test.cc.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tests/kernels/device.h"
#include "tests/kernels/reference.h"

namespace fathom::kernels {
namespace {

constexpr Tolerance kTolerance{3e-5, 3e-5};
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// All rows of a matrix through one fusion, then those of the last segment through an ordinary
// bottleneck of the same weights.
struct Call {
  int64_t hidden_size;
  int64_t rows;
  std::vector<FusedMember> members;
  BottleneckInput input = BottleneckInput::kNormalizedSum;
  std::vector<float> dense;
  std::vector<float> residual;
  std::vector<float> gamma;
  std::vector<float> beta;
  std::vector<float> read_weight;
  std::vector<float> read_bias;
  std::vector<float> write_weight;

  Call(int64_t hidden, int64_t row_count, std::vector<FusedMember> fused)
      : hidden_size(hidden), rows(row_count), members(std::move(fused)) {
    const int64_t read = 2 * width() + member_count();
    const float scale = 1.0f / std::sqrt(static_cast<float>(hidden));
    dense = RandomFloats(rows * hidden, 1);
    residual = RandomFloats(rows * hidden, 2);
    gamma = RandomFloats(hidden, 3);
    beta = RandomFloats(hidden, 4);
    read_weight = RandomFloats(read * hidden, 5, scale);
    read_bias = RandomFloats(read, 6);
    write_weight = RandomFloats(hidden * (width() + member_count()), 7);
  }

  int64_t member_count() const { return static_cast<int64_t>(members.size()); }
  int64_t width() const {
    int64_t sum = 0;
    for (const FusedMember& member : members) sum += member.width;
    return sum;
  }

  template <class Run>
  std::vector<float> Result(const std::vector<RowCopy>& segments, const Run& run) const {
    std::vector<float> out(static_cast<size_t>(rows * hidden_size), kSentinel);
    const Bottleneck fusion{.input = input,
                            .activation = Activation::kIdentity,
                            .scaling = 0,
                            .width = width(),
                            .down_weight = read_weight.data(),
                            .down_bias = read_bias.data(),
                            .up_weight = write_weight.data(),
                            .up_bias = nullptr,
                            .members = members.data(),
                            .member_count = member_count()};
    Bottleneck ordinary = fusion;
    ordinary.members = nullptr;
    ordinary.up_bias = beta.data();
    ordinary.scaling = 1;
    std::vector<AdapterSegment> list;
    for (const RowCopy& copy : segments) {
      list.push_back(
          {copy, segments.size() > 1 && &copy == &segments.back() ? &ordinary : &fusion});
    }
    run(AdapterLayerNorm{dense.data(), residual.data(), out.data(), list.data(),
                         static_cast<int64_t>(list.size()), hidden_size, gamma.data(), beta.data(),
                         1e-12f});
    return out;
  }
};

class Fusion : public ::testing::TestWithParam<Device> {
 protected:
  static std::vector<float> Run(const Call& call, const std::vector<RowCopy>& segments,
                                int threads = 1) {
    return call.Result(segments, [threads](const AdapterLayerNorm& raw) {
      GetParam().adapter_layer_norm(raw, threads);
    });
  }
  static void ExpectReference(const Call& call, const std::vector<RowCopy>& segments) {
    ExpectNear(Run(call, segments), call.Result(segments, ReferenceAdapter), kTolerance);
  }
};

Call ThreeMembers(int64_t rows) {
  return Call(130, rows,
              {{13, Activation::kRelu}, {1, Activation::kGelu}, {24, Activation::kSilu}});
}

TEST_P(Fusion, EqualsTheReferenceForEveryShape) {
  for (const int64_t hidden : {3, 33, 384}) {
    for (const std::vector<FusedMember>& members :
         {std::vector<FusedMember>{{5, Activation::kTanh}},
          {{0, Activation::kRelu}, {3, Activation::kRelu}},
          {{16, Activation::kRelu}, {7, Activation::kSilu}, {48, Activation::kGeluTanh}},
          std::vector<FusedMember>(16, {4, Activation::kRelu})}) {
      SCOPED_TRACE(std::to_string(hidden) + ", " + std::to_string(members.size()) + " members");
      ExpectReference(Call(hidden, 5, members), {{0, 0, 0, 5}});
    }
  }
}

TEST_P(Fusion, EqualsTheReferenceForEveryInput) {
  for (const auto input :
       {BottleneckInput::kDense, BottleneckInput::kNormalizedSum, BottleneckInput::kResidual}) {
    Call call = ThreeMembers(7);
    call.input = input;
    ExpectReference(call, {{0, 0, 0, 7}});
  }
}

TEST_P(Fusion, RunsBesideOrdinaryBottlenecks) {
  const Call call = ThreeMembers(200);
  const std::vector<RowCopy> segments = {{0, 1, 2, 90}, {90, 90, 100, 70}, {7, 3, 170, 30}};
  ExpectReference(call, segments);
  EXPECT_EQ(Run(call, segments, 4), Run(call, segments));
}

TEST_P(Fusion, GivesARowTheSameBitsInAnyCompany) {
  const Call call = ThreeMembers(77);
  const std::vector<float> all = Run(call, {{0, 0, 0, 77}});
  for (const int64_t row : {0, 31, 32, 76}) {
    const std::vector<float> out = Run(call, {{row, row, row, 1}});
    const auto first = static_cast<std::ptrdiff_t>(row * call.hidden_size);
    EXPECT_TRUE(std::equal(out.begin() + first, out.begin() + first + call.hidden_size,
                           all.begin() + first))
        << "row " << row;
  }
}

TEST_P(Fusion, ALargeScoreTakesAllWeight) {
  Call call = ThreeMembers(4);
  call.read_bias[2 * 38 + 1] = 1e6f;
  Call alone(130, 4, {{1, Activation::kGelu}});
  std::copy_n(call.read_weight.begin() + 13 * 130, 130, alone.read_weight.begin());
  alone.read_bias[0] = call.read_bias[13];
  for (size_t row = 0; row < 130; ++row) {
    alone.write_weight[row * 2] = call.write_weight[row * 41 + 13];
    alone.write_weight[row * 2 + 1] = call.write_weight[row * 41 + 38 + 1];
  }
  ExpectNear(Run(call, {{0, 0, 0, 4}}), Run(alone, {{0, 0, 0, 4}}), kTolerance);
}

TEST_P(Fusion, KeepsNaNInItsRow) {
  Call call = ThreeMembers(40);
  const std::vector<float> clean = Run(call, {{0, 0, 0, 40}});
  call.dense[20 * 130 + 66] = kNaN;
  const std::vector<float> out = Run(call, {{0, 0, 0, 40}});
  for (size_t i = 0; i < out.size(); ++i) {
    if (i / 130 == 20) {
      ASSERT_TRUE(std::isnan(out[i])) << i;
    } else {
      ASSERT_EQ(out[i], clean[i]) << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, Fusion, ::testing::ValuesIn(AvailableDevices()),
                         [](const auto& device) { return device.param.name; });

}  // namespace
}  // namespace fathom::kernels
