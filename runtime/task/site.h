// AdapterSite and AdapterLayout: how an adapter is wired into the encoder, parsed once from its
// config. Planner, executor, file format and trainer consult these; none of them switches over
// architecture names.
//
// Plain values, no Torch.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <vector>

#include "runtime/task/activation.h"

namespace fathom {

// Where in a layer a module can stand, in the order of computation: after the dense output of the
// attention, and after the dense output of the FFN.
enum class Place : uint8_t { kAttention = 0, kFfn = 1 };
inline constexpr int kPlaceCount = 2;

// What the bottleneck reads. f: the dense output of the place, x: the residual input of the place,
// LN: the pre-trained LayerNorm of the place.
enum class AdapterInput : uint8_t {
  kDense,          // f          Houlsby
  kNormalizedSum,  // LN(f + x)  Pfeiffer
  kResidual,       // x          parallel
};

// One module a layer at one place. With A(v) = up(activation(down(v))), every supported
// architecture is out = LN(f + x + scaling · A(input)).
struct AdapterSite {
  AdapterInput input = AdapterInput::kNormalizedSum;
  Activation activation = Activation::kRelu;
  double scaling = 1.0;

  bool operator==(const AdapterSite&) const = default;
};

struct AdapterLayout {
  std::array<std::optional<AdapterSite>, kPlaceCount> sites;  // indexed by Place
  std::vector<bool> left_out;  // [L]; true: the layer has no module (`leave_out` in the config)

  const std::optional<AdapterSite>& site(Place place) const {
    return sites[static_cast<size_t>(place)];
  }
  int layers() const { return static_cast<int>(left_out.size()); }
  bool HasModule(int layer, Place place) const {
    return site(place).has_value() && !left_out[static_cast<size_t>(layer)];
  }
};

// The first module that runs: what lies before it is the same for all tasks.
struct Fork {
  int layer = 0;
  Place place = Place::kAttention;

  auto operator<=>(const Fork&) const = default;
};

// The fork of a task at skip depth n: the first layer >= n that is not left out, at the layout's
// first place. Nothing if no module is left (n = L, or all the upper layers are left out): then the
// trunk's last layer is the task's answer.
std::optional<Fork> FindFork(const AdapterLayout& layout, int skip_layers);

}  // namespace fathom
