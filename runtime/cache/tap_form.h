// TapForm and TapPoint: what a tap holds, and of which layer. Plain values.
#pragma once

#include <cstdint>

namespace fathom {

// f: the FFN's dense output, x: its residual input. A sum serves every branch that starts above its
// layer, and those that start at it and read LN(f + x); a pair serves all of them.
enum class TapForm : uint8_t {
  kSum,      // f + x of all rows
  kPair,     // f, then x, of all rows
  kClsSum,   // f + x of the [CLS] row
  kClsPair,  // f, then x, of the [CLS] row
};

constexpr bool IsPair(TapForm form) { return form == TapForm::kPair || form == TapForm::kClsPair; }
constexpr bool IsClsOnly(TapForm form) {
  return form == TapForm::kClsSum || form == TapForm::kClsPair;
}

// Whether who wants a tap of form `wanted` can start from one of form `kept` at the same layer: a
// pair gives the sum, all rows give the [CLS] row.
constexpr bool Serves(TapForm kept, TapForm wanted) {
  return (IsPair(kept) || !IsPair(wanted)) && (!IsClsOnly(kept) || IsClsOnly(wanted));
}

// The trunk's state at the FFN of `layer`, before residual and LayerNorm. One that holds the [CLS]
// row only is of the last layer.
struct TapPoint {
  int layer = 0;
  TapForm form = TapForm::kSum;

  bool operator==(const TapPoint&) const = default;
};

}  // namespace fathom
