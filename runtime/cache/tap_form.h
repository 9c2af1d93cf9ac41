// TapForm: what of a trunk state a tap holds. Plain values.
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

inline bool IsPair(TapForm form) { return form == TapForm::kPair || form == TapForm::kClsPair; }
inline bool IsClsOnly(TapForm form) {
  return form == TapForm::kClsSum || form == TapForm::kClsPair;
}

}  // namespace fathom
