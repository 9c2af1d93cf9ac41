#include "runtime/text/token_ids.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace fathom {
namespace {

absl::Status CheckBelow(const std::vector<int32_t>& ids, int limit, absl::string_view what) {
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0 || ids[i] >= limit) {
      return absl::InvalidArgumentError(
          absl::StrCat(what, "[", i, "] is ", ids[i], ", outside of 0 … ", limit - 1));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TokenizedText> CheckTokenIds(const RawTokenIds& input, const TokenLimits& limits) {
  if (input.ids.empty()) return absl::InvalidArgumentError("token_ids.ids is empty");
  if (input.ids.size() > static_cast<size_t>(limits.max_tokens)) {
    return absl::InvalidArgumentError(
        absl::StrCat("token_ids.ids has ", input.ids.size(), " tokens, the encoder's limit is ",
                     limits.max_tokens, "; token ids are never truncated"));
  }
  if (!input.segment_ids.empty() && input.segment_ids.size() != input.ids.size()) {
    return absl::InvalidArgumentError(absl::StrCat("token_ids has ", input.ids.size(), " ids but ",
                                                   input.segment_ids.size(), " segment_ids"));
  }
  absl::Status status = CheckBelow(input.ids, limits.vocab_size, "token_ids.ids");
  status.Update(CheckBelow(input.segment_ids, limits.segment_types, "token_ids.segment_ids"));
  if (!status.ok()) return status;
  TokenizedText text{.ids = input.ids,
                     .segment_ids = input.segment_ids,
                     .full_tokens = static_cast<int32_t>(input.ids.size())};
  text.segment_ids.resize(text.ids.size(), 0);
  return text;
}

}  // namespace fathom
