// Texts that arrive as token ids instead of characters.
#pragma once

#include "absl/status/statusor.h"
#include "runtime/text/text.h"

namespace fathom {

// An encoder's limits on what it can embed.
struct TokenLimits {
  int vocab_size = 0;     // ids are below it
  int segment_types = 0;  // segment ids are below it
  int max_tokens = 0;     // of a text
};

// The ids as a text, with segment ids 0 where none are given. INVALID_ARGUMENT: no ids, an id outside
// of the limits (names its position), segment ids of another count, too many ids: they are never
// truncated, since only the client knows which of them are special.
absl::StatusOr<TokenizedText> CheckTokenIds(const RawTokenIds& input, const TokenLimits& limits);

}  // namespace fathom
