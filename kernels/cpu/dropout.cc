#include "kernels/cpu/dropout.h"

#include <algorithm>
#include <cstddef>

#include "kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/dropout.cc"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fathom::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int64_t kDrawsAWord = 4;

// Of SplitMix64.
constexpr uint64_t kIncrement = 0x9E3779B97F4A7C15u;
constexpr uint64_t kFirstFactor = 0xBF58476D1CE4E5B9u;
constexpr uint64_t kSecondFactor = 0x94D049BB133111EBu;

uint64_t Mix(uint64_t state) {
  state = (state ^ (state >> 30)) * kFirstFactor;
  state = (state ^ (state >> 27)) * kSecondFactor;
  return state ^ (state >> 31);
}

#if HWY_TARGET == HWY_SCALAR

int64_t DropVectors(const Dropout& /*call*/, int64_t first, int64_t /*end*/) { return first; }

#else

using Words = hn::ScalableTag<uint64_t>;
using Halves = hn::Repartition<uint32_t, Words>;  // also the draws of one vector of floats
using Floats = hn::ScalableTag<float>;
using Parts = hn::Repartition<uint16_t, Words>;
using WordVec = hn::Vec<Words>;

// The low half of each product. Highway multiplies words on AVX-512 only.
WordVec MulWords(WordVec a, uint64_t factor) {
  const Words words;
  const Halves halves;
  const auto b = hn::Set(words, factor);
  const auto mul = [&](WordVec x, WordVec y) {
    return hn::MulEven(hn::BitCast(halves, x), hn::BitCast(halves, y));
  };
  const auto cross = hn::Add(mul(hn::ShiftRight<32>(a), b), mul(a, hn::Set(words, factor >> 32)));
  return hn::Add(mul(a, b), hn::ShiftLeft<32>(cross));
}

WordVec Mix(WordVec state) {
  state = MulWords(hn::Xor(state, hn::ShiftRight<30>(state)), kFirstFactor);
  state = MulWords(hn::Xor(state, hn::ShiftRight<27>(state)), kSecondFactor);
  return hn::Xor(state, hn::ShiftRight<31>(state));
}

// A vector of words gives the draws of two vectors of floats. Returns the first element of those
// left.
int64_t DropVectors(const Dropout& call, int64_t first, int64_t end) {
  const Words words;
  const Halves draws;
  const Floats floats;
  const size_t width = hn::Lanes(floats);
  const auto limit = hn::Set(draws, uint32_t{call.dropped_below});
  const auto scale = hn::Set(floats, call.scale);
  const auto drop = [&](hn::Vec<Halves> drawn, int64_t element) {
    const auto dropped = hn::RebindMask(floats, hn::Lt(drawn, limit));
    const auto scaled = hn::Mul(hn::LoadU(floats, call.x + element), scale);
    hn::StoreU(hn::IfThenZeroElse(dropped, scaled), floats, call.out + element);
  };
  const auto next_word = static_cast<uint64_t>(first / kDrawsAWord) + 1;
  const auto step = hn::Set(words, kIncrement * hn::Lanes(words));
  auto state = hn::Add(hn::Set(words, call.key + kIncrement * next_word),
                       MulWords(hn::Iota(words, 0), kIncrement));
  int64_t i = first;
  for (; i + static_cast<int64_t>(2 * width) <= end; i += static_cast<int64_t>(2 * width)) {
    const auto parts = hn::BitCast(Parts(), Mix(state));
    drop(hn::PromoteTo(draws, hn::LowerHalf(parts)), i);
    drop(hn::PromoteTo(draws, hn::UpperHalf(hn::Half<Parts>(), parts)),
         i + static_cast<int64_t>(width));
    state = hn::Add(state, step);
  }
  return i;
}

#endif

// Elements [first, end); `first` is the first of a word.
void DropElements(const Dropout& call, int64_t first, int64_t end) {
  for (int64_t i = DropVectors(call, first, end); i < end; ++i) {
    const auto word = static_cast<uint64_t>(i / kDrawsAWord) + 1;
    const uint64_t drawn = Mix(call.key + kIncrement * word);
    const auto draw = static_cast<uint16_t>(drawn >> (16 * (i % kDrawsAWord)));
    call.out[i] = draw < call.dropped_below ? 0.0f : call.x[i] * call.scale;
  }
}

}  // namespace fathom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fathom::kernels {
namespace {

HWY_EXPORT(DropElements);

// Fewer elements than this take less time than waking other threads.
constexpr int64_t kSerialElements = 64 * 1024;
// Parts begin with a word, and not within a cache line of another's.
constexpr int64_t kPartElements = 64;

}  // namespace

void CpuDropout(const Dropout& call, int threads) {
  if (threads <= 1 || call.count < kSerialElements) {
    HWY_DYNAMIC_DISPATCH(DropElements)(call, 0, call.count);
    return;
  }
  const int64_t parts = (call.count + kPartElements - 1) / kPartElements;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int part = 0; part < threads; ++part) {
    const int64_t first = parts * part / threads * kPartElements;
    const int64_t end = std::min(parts * (part + 1) / threads * kPartElements, call.count);
    HWY_DYNAMIC_DISPATCH(DropElements)(call, first, end);
  }
}

}  // namespace fathom::kernels
#endif  // HWY_ONCE
