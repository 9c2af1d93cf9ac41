// PackedTexts: which rows of a packed block belong to which text, for attention without padding.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "runtime/text/text.h"

namespace fathom::training {

// Neighbouring texts of equal length: their rows are a [texts, tokens, …] block.
struct LengthGroup {
  int64_t texts = 0;
  int64_t tokens = 0;

  int64_t rows() const { return texts * tokens; }
};

struct PackedTexts {
  std::vector<LengthGroup> groups;
  std::vector<int64_t> group_rows;  // rows of each group, for splitting
  at::Tensor cls_rows;              // [B] int64: the first row of each text
};

// Texts stand in the block one after another in this order; sorted by length, groups are few.
PackedTexts Pack(absl::Span<const TokenizedText* const> texts);

}  // namespace fathom::training
