// The devices that the kernel tests run on, and the comparisons that all of them must pass.
#pragma once

#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "kernels/kernels.h"

namespace fathom::kernels {

// One implementation of the kernels. The calls take and fill memory of the host: a device with
// memory of its own copies to it and back.
struct Device {
  std::string name;
  std::function<void(const RaggedAttention& call, int threads)> ragged_attention;
  std::function<void(const ResidualLayerNorm& call, int threads)> residual_layer_norm;
  std::function<void(const AdapterLayerNorm& call, int threads)> adapter_layer_norm;
  std::function<int64_t(int64_t in, int64_t out)> packed_dense_floats;
  std::function<void(const float* weight, int64_t in, int64_t out, float* packed)> pack_dense;
  std::function<void(const PackedDense& call, int threads)> packed_dense;
  std::function<void(const ClsAttention& call, int threads)> cls_attention;
  std::function<void(const SegmentedDense& call, int threads)> segmented_dense;
  std::function<void(const EmbedLayerNorm& call, int threads)> embed_layer_norm;
  std::function<void(const GatherRows& call, int threads)> gather_rows;
  std::function<void(const Dropout& call, int threads)> dropout;
};
inline void PrintTo(const Device& device, std::ostream* out) { *out << device.name; }

// The CPU once for each instruction set that it has.
std::vector<Device> AvailableDevices();

// What outputs hold before a call; no kernel under test computes it.
inline constexpr float kSentinel = -12345.0f;

// `count` seeded normal floats times `scale`.
std::vector<float> RandomFloats(int64_t count, unsigned seed, float scale = 1.0f);

struct Tolerance {
  double absolute;
  double relative;
};

// |actual - expected| <= absolute + relative · |expected| everywhere; NaN only where expected.
void ExpectNear(const std::vector<float>& actual, const std::vector<float>& expected,
                const Tolerance& tolerance);

}  // namespace fathom::kernels
