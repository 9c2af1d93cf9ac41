// The machine's GEMM rates, measured on the encoder's own weights.
#pragma once

#include <array>
#include <map>
#include <vector>

#include "runtime/model/encoder.h"
#include "tests/bench/gemm_limit.h"

namespace fathom::bench {

// A round walks the GEMMs of all layers in turn, so that weights are as cold as in a pass, at
// several row counts. Rounds are cheap enough to stand between workloads: a machine that drifts
// slows both.
class GemmRates {
 public:
  // REQUIRES: the encoder keeps its plain weights.
  GemmRates(const Encoder& encoder, const ModelSizes& sizes);

  void Round();

  // From the fastest round of every GEMM, by the faster of its two forms: interference only ever
  // slows, and a limit must not be above what the machine reaches.
  // REQUIRES: a round has run.
  RateCurve Curve() const;

 private:
  static constexpr size_t kGemms = 4;  // of a layer
  enum Form : size_t { kPacked, kPlain, kForms };

  // Least milliseconds by [form][gemm][layer].
  using Best = std::array<std::array<std::vector<double>, kGemms>, kForms>;

  const ModelSizes sizes_;
  std::vector<std::array<Linear, kGemms>> layers_;  // without activations
  std::map<int64_t, Best> best_;                    // by rows
  at::Tensor narrow_;                               // [rows, H], what three of the GEMMs read
  at::Tensor wide_;                                 // [rows, I], what the fourth reads
};

}  // namespace fathom::bench
