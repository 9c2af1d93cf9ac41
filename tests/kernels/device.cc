#include "tests/kernels/device.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "kernels/cpu/instruction_sets.h"

namespace fathom::kernels {

std::vector<Device> AvailableDevices() {
  std::vector<Device> devices;
  for (const InstructionSet& set : AvailableInstructionSets()) {
    devices.push_back({std::string("cpu_") + set.name,
                       [set](const RaggedAttention& call, int threads) {
                         const ScopedInstructionSet scope(set.target);
                         CpuKernels().ragged_attention(call, threads);
                       },
                       [set](const ResidualLayerNorm& call, int threads) {
                         const ScopedInstructionSet scope(set.target);
                         CpuKernels().residual_layer_norm(call, threads);
                       },
                       [set](const AdapterLayerNorm& call, int threads) {
                         const ScopedInstructionSet scope(set.target);
                         CpuKernels().adapter_layer_norm(call, threads);
                       },
                       [set](int64_t in, int64_t out) {
                         const ScopedInstructionSet scope(set.target);
                         return CpuKernels().packed_dense_floats(in, out);
                       },
                       [set](const float* weight, int64_t in, int64_t out, float* packed) {
                         const ScopedInstructionSet scope(set.target);
                         CpuKernels().pack_dense(weight, in, out, packed);
                       },
                       [set](const PackedDense& call, int threads) {
                         const ScopedInstructionSet scope(set.target);
                         CpuKernels().packed_dense(call, threads);
                       }});
  }
  return devices;
}

std::vector<float> RandomFloats(int64_t count, unsigned seed, float scale) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = normal(random) * scale;
  return values;
}

void ExpectNear(const std::vector<float>& actual, const std::vector<float>& expected,
                const Tolerance& tolerance) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    const double difference = std::abs(double{actual[i]} - double{expected[i]});
    const double limit = tolerance.absolute + tolerance.relative * std::abs(double{expected[i]});
    const bool both_nan = std::isnan(actual[i]) && std::isnan(expected[i]);
    ASSERT_TRUE(both_nan || difference <= limit)
        << "element " << i << ": " << actual[i] << ", expected " << expected[i];
  }
}

}  // namespace fathom::kernels
