#include "server/grpc/inputs.h"

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/grpc/errors.h"

namespace fathom {
namespace {

TextInput ToTextInput(const v1::Input& input, bool with_spans) {
  switch (input.kind_case()) {
    case v1::Input::kPair:
      return RawText{
          .first = input.pair().first(), .second = input.pair().second(), .with_spans = with_spans};
    case v1::Input::kTokenIds: {
      const v1::TokenIds& tokens = input.token_ids();
      RawTokenIds raw;
      raw.ids.assign(tokens.ids().begin(), tokens.ids().end());
      raw.segment_ids.assign(tokens.segment_ids().begin(), tokens.segment_ids().end());
      return raw;
    }
    case v1::Input::kText:
    case v1::Input::KIND_NOT_SET:
      break;
  }
  return RawText{.first = input.text(), .second = std::nullopt, .with_spans = with_spans};
}

std::string FieldOf(const v1::Input& input, int index) {
  const char* const kind = input.has_pair() ? "pair" : input.has_token_ids() ? "token_ids" : "text";
  return absl::StrCat("inputs[", index, "].", kind);
}

}  // namespace

Truncation ToTruncation(v1::Truncation truncation) {
  switch (truncation) {
    case v1::TRUNCATION_ERROR:
      return Truncation::kError;
    case v1::TRUNCATION_ONLY_FIRST:
      return Truncation::kOnlyFirst;
    case v1::TRUNCATION_ONLY_SECOND:
      return Truncation::kOnlySecond;
    default:
      return Truncation::kLongestFirst;
  }
}

absl::StatusOr<TokenizedText> TokenizeInput(const Engine& engine, const v1::Input& input, int index,
                                            const TokenizeOptions& options) {
  auto text = engine.Tokenize(ToTextInput(input, options.with_spans), options.truncation);
  if (!text.ok()) return AtField(FieldOf(input, index), text.status());
  return text;
}

}  // namespace fathom
