// GemmChoice: which form of a GEMM runs at how many rows, chosen from measured times. Plain values,
// no Torch; pure functions.
//
// A GEMM and its epilogue (bias, activation) are one candidate: oneDNN's GEMM is the faster one on
// many CPUs while its fused GELU is slow on AVX2 (reference: engine notes, section 5).
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "runtime/depth/row_times.h"
#include "runtime/engine.h"
#include "runtime/task/activation.h"

namespace fathom {

// How the weights are laid out, and who multiplies.
enum class GemmForm : uint8_t {
  kPlain,        // [out, in] fp32: ATen's addmm (MKL)
  kOneDnn,       // oneDNN's blocked layout, fp32
  kOneDnnBf16,   // the same in bf16; inputs are rounded to bf16, sums are fp32
  kPackedDense,  // the layout of kernels/: for few rows
};
inline constexpr size_t kGemmForms = 4;

const char* GemmFormName(GemmForm form);  // "plain", "onednn", "onednn-bf16", "packed"

const char* PrecisionName(Precision precision);  // as EncoderInfo::precision

struct GemmCandidate {
  GemmForm form = GemmForm::kPlain;
  bool fused_activation = false;  // inside the GEMM; else a loop over its result

  auto operator<=>(const GemmCandidate&) const = default;
};

// What a choice depends on, of one of the encoder's layers.
struct GemmShape {
  int64_t out = 0;
  int64_t in = 0;
  Activation activation = Activation::kIdentity;

  auto operator<=>(const GemmShape&) const = default;
};

struct GemmTimes {
  GemmCandidate candidate;
  RowTimes times;  // with cold weights
};

// From first_rows on, up to the next range.
struct GemmRange {
  int64_t first_rows = 0;
  GemmCandidate candidate;

  bool operator==(const GemmRange&) const = default;
};

class GemmChoice {
 public:
  // One candidate at all row counts.
  explicit GemmChoice(GemmCandidate candidate) : ranges_{{0, candidate}} {}
  // REQUIRES: not empty, by rising rows, the first one from 0.
  explicit GemmChoice(std::vector<GemmRange> ranges) : ranges_(std::move(ranges)) {}

  GemmCandidate At(int64_t rows) const;
  bool Uses(GemmForm form) const;
  const std::vector<GemmRange>& ranges() const { return ranges_; }

 private:
  std::vector<GemmRange> ranges_;
};

// A further form costs a copy of the weights: it is kept only where, without it, some knot takes
// more than this factor of its time.
inline constexpr double kWorthAForm = 1.05;

// The fastest candidate at every row count, and the fewest forms that reach it to kWorthAForm.
// Between two knots with different winners the change is where their interpolated times meet.
// REQUIRES: at least one candidate; all with the same knots.
GemmChoice ChooseGemm(std::vector<GemmTimes> candidates);

// The choices of an encoder's layers.
struct GemmTable {
  Precision precision = Precision::kFp32;  // never kAuto
  std::map<GemmShape, GemmChoice> choices;
};

// Milliseconds of one layer of GEMMs at its best, by row count. bf16 is chosen where the mean over
// the knots of its time against fp32's is below this.
inline constexpr double kWorthBf16 = 0.95;

// Which precision is the faster one: the geometric mean of bf16's time against fp32's over the
// knots, each of a whole layer with the best candidate of each shape.
// REQUIRES: the same shapes and knots in both.
using ShapeTimes = std::map<GemmShape, std::vector<GemmTimes>>;
Precision FasterPrecision(const ShapeTimes& fp32, const ShapeTimes& bf16);

}  // namespace fathom
