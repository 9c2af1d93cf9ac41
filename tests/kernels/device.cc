#include "tests/kernels/device.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "kernels/cpu/instruction_sets.h"

namespace fathom::kernels {

namespace {

// The kernel of one instruction set.
template <class Call>
std::function<void(const Call& call, int threads)> On(const InstructionSet& set,
                                                      void (*KernelTable::*kernel)(const Call&,
                                                                                   int)) {
  return [set, kernel](const Call& call, int threads) {
    const ScopedInstructionSet scope(set.target);
    (CpuKernels().*kernel)(call, threads);
  };
}

}  // namespace

std::vector<Device> AvailableDevices() {
  std::vector<Device> devices;
  for (const InstructionSet& set : AvailableInstructionSets()) {
    devices.push_back({.name = std::string("cpu_") + set.name,
                       .ragged_attention = On(set, &KernelTable::ragged_attention),
                       .residual_layer_norm = On(set, &KernelTable::residual_layer_norm),
                       .adapter_layer_norm = On(set, &KernelTable::adapter_layer_norm),
                       .packed_dense_floats =
                           [set](int64_t in, int64_t out) {
                             const ScopedInstructionSet scope(set.target);
                             return CpuKernels().packed_dense_floats(in, out);
                           },
                       .pack_dense =
                           [set](const float* weight, int64_t in, int64_t out, float* packed) {
                             const ScopedInstructionSet scope(set.target);
                             CpuKernels().pack_dense(weight, in, out, packed);
                           },
                       .packed_dense = On(set, &KernelTable::packed_dense),
                       .cls_attention = On(set, &KernelTable::cls_attention),
                       .segmented_dense = On(set, &KernelTable::segmented_dense),
                       .embed_layer_norm = On(set, &KernelTable::embed_layer_norm),
                       .gather_rows = On(set, &KernelTable::gather_rows),
                       .dropout = On(set, &KernelTable::dropout)});
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
