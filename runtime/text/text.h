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
  bool with_spans = false;  // TokenizedText::spans too, which takes longer
};

// Ids that a client already has, special tokens included.
struct RawTokenIds {
  std::vector<int32_t> ids;
  std::vector<int32_t> segment_ids;  // empty (all 0), or as many as ids
};

using TextInput = std::variant<RawText, RawTokenIds>;

// What to do with a text over the limit. Named as in the tokenizers library.
enum class Truncation : uint8_t { kError, kLongestFirst, kOnlyFirst, kOnlySecond };

// What a token stands for: the bytes [begin, end) of a text, as it was given.
struct TokenSpan {
  static constexpr int32_t kNoText = -1;

  int32_t begin = 0;
  int32_t end = 0;
  int32_t text = kNoText;  // 0: the first text, 1: the second; kNoText: a special token

  bool is_special() const { return text == kNoText; }
  bool operator==(const TokenSpan&) const = default;
};

struct TokenizedText {
  std::vector<int32_t> ids;           // special tokens included, at most the limit
  std::vector<int32_t> segment_ids;   // as many as ids
  int32_t full_tokens = 0;            // count before truncation, special tokens included
  std::vector<TokenSpan> spans = {};  // as many as ids, where RawText::with_spans; else empty

  bool truncated() const { return full_tokens > static_cast<int32_t>(ids.size()); }
};

}  // namespace fathom
