// Activation functions of a vector, to 1e-6 of the larger of 1 and the input; NaN for NaN. Included
// once for each Highway target.

#if defined(FATHOM_KERNELS_CPU_ACTIVATION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FATHOM_KERNELS_CPU_ACTIVATION_INL_H_
#undef FATHOM_KERNELS_CPU_ACTIVATION_INL_H_
#else
#define FATHOM_KERNELS_CPU_ACTIVATION_INL_H_
#endif

#include <hwy/highway.h>

#include <cstddef>

#include "kernels/cpu/exp2-inl.h"
#include "kernels/kernels.h"

HWY_BEFORE_NAMESPACE();
namespace fathom::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

inline constexpr float kLog2OfE = 1.44269504f;

// e^(-|x|)
template <class D, class V = hn::Vec<D>>
HWY_INLINE V ExpOfNegativeAbs(D d, V x) {
  return Exp2OfNegative(d, hn::Mul(hn::Abs(x), hn::Set(d, -kLog2OfE)));
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V Sigmoid(D d, V x) {
  const V one = hn::Set(d, 1.0f);
  const V power = ExpOfNegativeAbs(d, x);
  const V numerator = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), power, one);
  return hn::Div(numerator, hn::Add(one, power));
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V Tanh(D d, V x) {
  const V one = hn::Set(d, 1.0f);
  const V power = ExpOfNegativeAbs(d, hn::Add(x, x));
  return hn::CopySign(hn::Div(hn::Sub(one, power), hn::Add(one, power)), x);
}

// x Φ(x), from Φ(-|x|) = P(t) e^(-x²/2), t = 1 / (1 + p |x| / √2): Abramowitz and Stegun, 7.1.26,
// right to 1e-7, with the halves of erfc in the coefficients.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Gelu(D d, V x) {
  const V one = hn::Set(d, 1.0f);
  const V t = hn::Div(one, hn::MulAdd(hn::Abs(x), hn::Set(d, 0.3275911f * 0.70710678f), one));
  V tail = hn::Set(d, 0.5f * 1.061405429f);
  tail = hn::MulAdd(tail, t, hn::Set(d, 0.5f * -1.453152027f));
  tail = hn::MulAdd(tail, t, hn::Set(d, 0.5f * 1.421413741f));
  tail = hn::MulAdd(tail, t, hn::Set(d, 0.5f * -0.284496736f));
  tail = hn::MulAdd(tail, t, hn::Set(d, 0.5f * 0.254829592f));
  const V power = Exp2OfNegative(d, hn::Mul(hn::Mul(x, x), hn::Set(d, -0.5f * kLog2OfE)));
  const V product = hn::Mul(x, hn::Mul(hn::Mul(tail, t), power));  // x Φ(-|x|)
  return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), product, hn::Sub(x, product));
}

// x (1 + tanh(u)) / 2 = x sigmoid(2u), u = √(2/π) (x + 0.044715 x³)
template <class D, class V = hn::Vec<D>>
HWY_INLINE V GeluTanh(D d, V x) {
  constexpr float kTwoRootTwoOverPi = 1.59576912f;
  const V cubic = hn::Set(d, kTwoRootTwoOverPi * 0.044715f);
  const V factor = hn::MulAdd(hn::Mul(x, x), cubic, hn::Set(d, kTwoRootTwoOverPi));
  return hn::Mul(x, Sigmoid(d, hn::Mul(x, factor)));
}

// x where x >= 0 or NaN, which Max might lose; x · slope below.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Ramp(D d, V x, float slope) {
  return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Mul(x, hn::Set(d, slope)), x);
}

// Replaces `count` values, whole vectors and aligned.
template <class Function>
HWY_INLINE void Replace(float* values, size_t count, const Function& function) {
  const hn::ScalableTag<float> d;
  for (size_t i = 0; i < count; i += hn::Lanes(d)) {
    hn::Store(function(d, hn::Load(d, values + i)), d, values + i);
  }
}

HWY_INLINE void Activate(Activation activation, float* values, size_t count) {
  switch (activation) {
    case Activation::kIdentity:
      return;
    case Activation::kRelu:
      return Replace(values, count, [](auto d, auto x) HWY_ATTR { return Ramp(d, x, 0.0f); });
    case Activation::kGelu:
      return Replace(values, count, [](auto d, auto x) HWY_ATTR { return Gelu(d, x); });
    case Activation::kGeluTanh:
      return Replace(values, count, [](auto d, auto x) HWY_ATTR { return GeluTanh(d, x); });
    case Activation::kSilu:
      return Replace(values, count,
                     [](auto d, auto x) HWY_ATTR { return hn::Mul(x, Sigmoid(d, x)); });
    case Activation::kTanh:
      return Replace(values, count, [](auto d, auto x) HWY_ATTR { return Tanh(d, x); });
    case Activation::kSigmoid:
      return Replace(values, count, [](auto d, auto x) HWY_ATTR { return Sigmoid(d, x); });
    case Activation::kLeakyRelu:
      return Replace(values, count, [](auto d, auto x) HWY_ATTR { return Ramp(d, x, 0.01f); });
  }
}

}  // namespace fathom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // FATHOM_KERNELS_CPU_ACTIVATION_INL_H_
