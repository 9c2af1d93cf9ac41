#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "tests/kernels/device.h"
#include "tests/kernels/reference.h"

namespace fathom::kernels {
namespace {

constexpr float kEpsilon = 1e-12f;  // BERT's
constexpr Tolerance kTolerance{1e-5, 1e-5};
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

struct Settings {
  int64_t width = 1;
  BottleneckInput input = BottleneckInput::kNormalizedSum;
  Activation activation = Activation::kRelu;
  float scaling = 1.0f;
};

struct Weights {
  Settings settings;
  std::vector<float> down_weight;
  std::vector<float> down_bias;
  std::vector<float> up_weight;
  std::vector<float> up_bias;
};

// Sums of products of size 1 or so, whatever the widths.
float Scale(int64_t depth) {
  return 1.0f / std::sqrt(static_cast<float>(std::max<int64_t>(depth, 1)));
}

Weights MakeWeights(int64_t hidden_size, const Settings& settings, unsigned seed) {
  return {settings, RandomFloats(settings.width * hidden_size, seed, Scale(hidden_size)),
          RandomFloats(settings.width, seed + 1),
          RandomFloats(hidden_size * settings.width, seed + 2, Scale(settings.width)),
          RandomFloats(hidden_size, seed + 3)};
}

struct Segment {
  RowCopy rows;
  size_t weights;  // which of Call::weights
};

// A call and all that it points to.
struct Call {
  int64_t hidden_size;
  std::vector<float> dense;
  std::vector<float> residual;
  std::vector<float> gamma;
  std::vector<float> beta;
  std::vector<float> out;
  std::vector<Weights> weights;
  std::vector<Segment> segments;

  Call(int64_t hidden, int64_t sources, int64_t destinations)
      : hidden_size(hidden),
        dense(RandomFloats(sources * hidden, 1)),
        residual(RandomFloats(sources * hidden, 2)),
        gamma(RandomFloats(hidden, 3)),
        beta(RandomFloats(hidden, 4)),
        out(static_cast<size_t>(destinations * hidden), kSentinel) {}

  void Add(const RowCopy& rows, const Settings& settings) {
    segments.push_back({rows, weights.size()});
    weights.push_back(
        MakeWeights(hidden_size, settings, 10 + 4 * static_cast<unsigned>(weights.size())));
  }

  // Gives what `run` makes of a copy of the call.
  template <class Run>
  std::vector<float> Result(const Run& run) const {
    std::vector<float> result = out;
    std::vector<Bottleneck> bottlenecks;
    for (const Weights& of : weights) {
      bottlenecks.push_back({of.settings.input, of.settings.activation, of.settings.scaling,
                             of.settings.width, of.down_weight.data(), of.down_bias.data(),
                             of.up_weight.data(), of.up_bias.data()});
    }
    std::vector<AdapterSegment> list;
    for (const Segment& segment : segments) {
      list.push_back({segment.rows, &bottlenecks[segment.weights]});
    }
    run(AdapterLayerNorm{dense.data(), residual.data(), result.data(), list.data(),
                         static_cast<int64_t>(list.size()), hidden_size, gamma.data(), beta.data(),
                         kEpsilon});
    return result;
  }
};

std::vector<float> Expected(const Call& call) { return call.Result(ReferenceAdapter); }

class Adapter : public ::testing::TestWithParam<Device> {
 protected:
  std::vector<float> Run(const Call& call, int threads) {
    return call.Result(
        [threads](const AdapterLayerNorm& raw) { GetParam().adapter_layer_norm(raw, threads); });
  }
};

TEST_P(Adapter, EqualsTheReferenceForEveryWidth) {
  for (const int64_t hidden : {2, 3, 7, 33, 130, 384}) {
    for (const int64_t width : {0, 1, 2, 5, 13, 24, 193}) {
      SCOPED_TRACE(std::to_string(hidden) + " x " + std::to_string(width));
      Call call(hidden, 5, 5);
      call.Add({0, 0, 0, 5}, {.width = width, .activation = Activation::kGelu});
      ExpectNear(Run(call, 1), Expected(call), {3e-5, 3e-5});
    }
  }
}

TEST_P(Adapter, EqualsTheReferenceForEveryInputAndScaling) {
  for (const auto input :
       {BottleneckInput::kDense, BottleneckInput::kNormalizedSum, BottleneckInput::kResidual}) {
    for (const float scaling : {1.0f, 0.25f, -4.0f, 0.0f}) {
      SCOPED_TRACE(std::to_string(static_cast<int>(input)) + " scaled by " +
                   std::to_string(scaling));
      Call call(768, 3, 3);
      call.Add({0, 0, 0, 3}, {.width = 48, .input = input, .scaling = scaling});
      ExpectNear(Run(call, 1), Expected(call), kTolerance);
    }
  }
}

// The hidden values are the down bias, and out the LayerNorm of what the activation makes of them.
TEST_P(Adapter, ActivatesExactlyOverTheWholeRange) {
  constexpr int64_t kHidden = 241;
  for (int index = 0; index <= static_cast<int>(Activation::kLeakyRelu); ++index) {
    SCOPED_TRACE(index);
    Call call(kHidden, 1, 1);
    call.Add({0, 0, 0, 1}, {.width = kHidden, .activation = static_cast<Activation>(index)});
    Weights& weights = call.weights[0];
    for (std::vector<float>* zero : {&call.dense, &call.residual, &weights.down_weight,
                                     &weights.up_weight, &weights.up_bias}) {
      std::fill(zero->begin(), zero->end(), 0.0f);
    }
    for (size_t i = 0; i < static_cast<size_t>(kHidden); ++i) {
      weights.up_weight[i * kHidden + i] = 1.0f;
      weights.down_bias[i] = static_cast<float>(i) / 10.0f - 12.0f;
    }
    ExpectNear(Run(call, 1), Expected(call), {2e-6, 2e-6});
  }
}

TEST_P(Adapter, StaysFiniteForHugeHiddenValues) {
  for (int index = 0; index <= static_cast<int>(Activation::kLeakyRelu); ++index) {
    SCOPED_TRACE(index);
    Call call(8, 1, 1);
    call.Add({0, 0, 0, 1}, {.width = 4, .activation = static_cast<Activation>(index)});
    call.weights[0].down_bias = {1e15f, -1e15f, 1e4f, -1e4f};
    ExpectNear(Run(call, 1), Expected(call), kTolerance);
  }
}

// Different widths, activations and inputs in one call; segments that share an adapter, repeated
// sources, empty segments, destinations out of order and rows that no segment writes.
Call Mixed() {
  Call call(130, 90, 240);
  call.Add({4, 6, 9, 21}, {.width = 5, .activation = Activation::kSilu});
  call.Add({0, 0, 7, 0}, {.width = 3});
  call.Add({4, 4, 30, 57}, {.width = 48, .input = BottleneckInput::kResidual, .scaling = 0.5f});
  call.segments.push_back({{61, 70, 0, 1}, 2});
  call.segments.push_back({{0, 0, 0, 0}, 2});
  call.segments.push_back({{4, 4, 87, 30}, 2});
  call.Add({4, 4, 117, 1},
           {.width = 130, .input = BottleneckInput::kDense, .activation = Activation::kTanh});
  call.Add({0, 0, 120, 90}, {.width = 300, .activation = Activation::kGeluTanh});
  call.Add({3, 9, 220, 17}, {.width = 1, .activation = Activation::kSigmoid});
  return call;
}

TEST_P(Adapter, RunsDifferentSegmentsInOneCallAndLeavesOtherRowsAlone) {
  const Call call = Mixed();
  const std::vector<float> expected = Expected(call);
  ASSERT_EQ(expected[130], kSentinel);
  for (const int threads : {1, 2, 4}) {
    SCOPED_TRACE(threads);
    ExpectNear(Run(call, threads), expected, {3e-5, 3e-5});
  }
}

TEST_P(Adapter, GivesTheSameBitsForAnyNumberOfThreads) {
  const Call call = Mixed();
  const std::vector<float> serial = Run(call, 1);
  for (const int threads : {2, 4}) EXPECT_EQ(Run(call, threads), serial) << threads << " threads";
}

TEST_P(Adapter, GivesARowTheSameBitsInAnyCompany) {
  const Call together = Mixed();
  const std::vector<float> all = Run(together, 1);
  for (const int64_t row : {30, 46, 86, 87, 116}) {  // of bottleneck 2
    const int64_t source = row < 87 ? row - 26 : row - 83;
    Call alone = together;
    alone.segments = {{{source, source, row, 1}, 2}};
    const std::vector<float> out = Run(alone, 1);
    const auto offset = static_cast<std::ptrdiff_t>(row * together.hidden_size);
    EXPECT_TRUE(std::equal(out.begin() + offset, out.begin() + offset + together.hidden_size,
                           all.begin() + offset))
        << "row " << row;
  }
}

TEST_P(Adapter, KeepsRowsWithALargeOffsetExact) {
  Call call(768, 2, 2);
  call.Add({0, 0, 0, 2}, {.width = 16});
  // Exact in fp32 with the offset, so that the double reference reads the same rows.
  for (float& value : call.dense) value = 4096.0f + std::round(value * 128.0f) / 256.0f;
  std::fill(call.residual.begin(), call.residual.end(), 0.0f);
  // A sum near 4096 is rounded to 2^-12.
  ExpectNear(Run(call, 1), Expected(call), {1e-3, 0});
  for (float& value : call.weights[0].up_weight) value = 0.0f;
  for (float& value : call.weights[0].up_bias) value = 0.0f;
  ExpectNear(Run(call, 1), Expected(call), kTolerance);
}

TEST_P(Adapter, GivesBetaForConstantRows) {
  Call call(771, 1, 1);
  call.Add({0, 0, 0, 1}, {.width = 4, .scaling = 0.0f});
  std::fill(call.dense.begin(), call.dense.end(), -3.7f);
  std::fill(call.residual.begin(), call.residual.end(), 0.0f);
  // What rounding leaves of the row is divided by sqrt(epsilon), 1e-6.
  ExpectNear(Run(call, 1), call.beta, {1e-3, 0});
}

void ExpectNaNExactlyIn(const std::vector<float>& out, const std::vector<float>& clean,
                        const std::vector<bool>& broken) {
  const size_t width = out.size() / broken.size();
  for (size_t i = 0; i < out.size(); ++i) {
    if (broken[i / width]) {
      ASSERT_TRUE(std::isnan(out[i])) << "element " << i;
    } else {
      ASSERT_EQ(out[i], clean[i]) << "element " << i;
    }
  }
}

TEST_P(Adapter, KeepsNaNInItsRow) {
  Call call(67, 40, 40);
  call.Add({0, 0, 0, 40}, {.width = 9});
  const std::vector<float> clean = Run(call, 1);
  call.dense[20 * 67 + 66] = kNaN;
  std::vector<bool> broken(40, false);
  broken[20] = true;
  ExpectNaNExactlyIn(Run(call, 1), clean, broken);
}

TEST_P(Adapter, KeepsNaNOfABottleneckInItsRows) {
  for (int index = 0; index <= static_cast<int>(Activation::kLeakyRelu); ++index) {
    SCOPED_TRACE(index);
    Call call(67, 40, 60);
    const Settings settings{.width = 9, .activation = static_cast<Activation>(index)};
    call.Add({0, 0, 0, 20}, settings);
    call.Add({0, 0, 20, 20}, settings);
    call.Add({0, 0, 40, 20}, settings);
    const std::vector<float> clean = Run(call, 1);
    std::vector<bool> broken(60, false);
    std::fill(broken.begin() + 20, broken.begin() + 40, true);
    for (auto weight :
         {&Weights::down_weight, &Weights::down_bias, &Weights::up_weight, &Weights::up_bias}) {
      Call bad = call;
      (bad.weights[1].*weight)[3] = kNaN;
      ExpectNaNExactlyIn(Run(bad, 2), clean, broken);
    }
  }
}

TEST_P(Adapter, DoesNothingWithoutSegments) {
  const Call call(8, 1, 2);
  for (const int threads : {1, 4}) {
    EXPECT_EQ(Run(call, threads), std::vector<float>(16, kSentinel));
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, Adapter, ::testing::ValuesIn(AvailableDevices()),
                         [](const auto& device) { return device.param.name; });

}  // namespace
}  // namespace fathom::kernels
