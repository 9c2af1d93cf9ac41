// Texts and taps for the tests of the caches.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/cache/tap.h"
#include "runtime/text/text.h"

namespace fathom {

inline TokenizedText Text(std::vector<int32_t> ids, int32_t segment = 0) {
  TokenizedText text{.ids = std::move(ids)};
  text.segment_ids.assign(text.ids.size(), segment);
  text.full_tokens = static_cast<int32_t>(text.ids.size());
  return text;
}

// A sum of width 16, every value of which is `value`.
inline std::shared_ptr<const Tap> SumTap(int layer, int32_t rows, float value = 0) {
  return Tap::Make(layer, TapForm::kSum, rows, 16, TapPrecision::kFp32,
                   [&](int /*matrix*/, absl::Span<std::byte> values) {
                     auto* first = reinterpret_cast<float*>(values.data());
                     std::fill_n(first, values.size() / sizeof(float), value);
                   });
}

}  // namespace fathom
