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
  // REQUIRES: the encoder keeps its plain weights, which are packed in every form here: the limit
  // is that of the fastest, whatever the encoder itself chose.
  GemmRates(const Encoder& encoder, const ModelSizes& sizes);

  void Round();

  // From the fastest round of every GEMM, by the fastest of its forms: interference only ever
  // slows, and a limit must not be above what the machine reaches.
  // REQUIRES: a round has run.
  RateCurve Curve() const;

 private:
  static constexpr size_t kGemms = 4;  // of a layer

  using Forms = std::vector<Linear>;  // one GEMM in every form, without activation

  // Least milliseconds by [gemm][form][layer].
  using Best = std::array<std::vector<std::vector<double>>, kGemms>;

  const ModelSizes sizes_;
  std::vector<std::array<Forms, kGemms>> layers_;
  std::map<int64_t, Best> best_;  // by rows
  at::Tensor narrow_;             // [rows, H], what three of the GEMMs read
  at::Tensor wide_;               // [rows, I], what the fourth reads
};

}  // namespace fathom::bench
