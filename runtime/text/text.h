// Texts before and after tokenising. Plain values, no Torch.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

namespace fathom {

// One text, or a pair. UTF-8.
struct RawText {
  std::string_view first;
  std::optional<std::string_view> second;
};

// Ids that a client already has, special tokens included.
struct RawTokenIds {
  std::vector<int32_t> ids;
  std::vector<int32_t> segment_ids;  // empty (all 0), or as many as ids
};

using TextInput = std::variant<RawText, RawTokenIds>;

// What to do with a text over the limit. Named as in the tokenizers library.
enum class Truncation : uint8_t { kError, kLongestFirst, kOnlyFirst, kOnlySecond };

struct TokenizedText {
  std::vector<int32_t> ids;          // special tokens included, at most the limit
  std::vector<int32_t> segment_ids;  // as many as ids
  int32_t full_tokens = 0;           // count before truncation, special tokens included

  bool truncated() const { return full_tokens > static_cast<int32_t>(ids.size()); }
};

}  // namespace fathom
