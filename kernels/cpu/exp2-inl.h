// The exponential of softmax. Highway's Exp covers all floats at twice the instructions, which was
// a quarter of the time of attention. Included once for each Highway target.

#if defined(FATHOM_KERNELS_CPU_EXP2_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FATHOM_KERNELS_CPU_EXP2_INL_H_
#undef FATHOM_KERNELS_CPU_EXP2_INL_H_
#else
#define FATHOM_KERNELS_CPU_EXP2_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace fathom::kernels::HWY_NAMESPACE {

// 2^x for x <= 0, to 3e-7 of the result. At most 2^-124 below x = -124; NaN for NaN.
template <class D, class V = hwy::HWY_NAMESPACE::Vec<D>>
HWY_INLINE V Exp2OfNegative(D d, V x) {
  namespace hn = hwy::HWY_NAMESPACE;
  // Not Max, which may lose a NaN. The bound keeps results normal.
  const V lowest = hn::Set(d, -124.0f);
  const V clamped = hn::IfThenElse(hn::Lt(x, lowest), lowest, x);
  // Adding 1.5 · 2^23 rounds to an integer and leaves it in the low bits; 127 more makes it the
  // exponent field of 2^integer.
  const V rounder = hn::Set(d, 12582912.0f + 127.0f);
  const V rounded = hn::Add(clamped, rounder);
  const V power =
      hn::BitCast(d, hn::ShiftLeft<23>(hn::BitCast(hn::RebindToUnsigned<D>(), rounded)));
  const V rest = hn::Sub(clamped, hn::Sub(rounded, rounder));  // in [-1/2, 1/2]
  // Minimax polynomial of the relative error, with 2^0 = 1 exactly.
  V result = hn::Set(d, 0.0013276472f);
  result = hn::MulAdd(result, rest, hn::Set(d, 0.009675541f));
  result = hn::MulAdd(result, rest, hn::Set(d, 0.055507133f));
  result = hn::MulAdd(result, rest, hn::Set(d, 0.2402212f));
  result = hn::MulAdd(result, rest, hn::Set(d, 0.69314694f));
  result = hn::MulAdd(result, rest, hn::Set(d, 1.0f));
  return hn::Mul(result, power);
}

}  // namespace fathom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // FATHOM_KERNELS_CPU_EXP2_INL_H_
