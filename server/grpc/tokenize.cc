#include "server/grpc/tokenize.h"

#include "server/grpc/inputs.h"
#include "server/grpc/validate.h"

namespace fathom {
namespace {

v1::TokenIds ToProto(const TokenizedText& text) {
  v1::TokenIds ids;
  ids.mutable_ids()->Add(text.ids.begin(), text.ids.end());
  ids.mutable_segment_ids()->Add(text.segment_ids.begin(), text.segment_ids.end());
  return ids;
}

v1::TokenDetails DetailsOf(const v1::Input& input, const TokenizedText& text) {
  v1::TokenDetails details;
  details.set_id(input.id());
  details.set_full_token_count(static_cast<uint32_t>(text.full_tokens));
  details.set_truncated(text.truncated());
  for (const TokenSpan& span : text.spans) {
    v1::TokenSpan* added = details.add_spans();
    if (span.is_special()) {
      added->set_special(true);
      continue;
    }
    added->set_begin(static_cast<uint32_t>(span.begin));
    added->set_end(static_cast<uint32_t>(span.end));
    added->set_text(static_cast<uint32_t>(span.text));
  }
  return details;
}

}  // namespace

absl::StatusOr<v1::TokenizeResponse> TokenizeInputs(const Engine& engine,
                                                    const RequestLimits& limits,
                                                    const v1::TokenizeRequest& request) {
  if (absl::Status status = ValidateTokenize(request, limits); !status.ok()) return status;
  const TokenizeOptions options{.truncation = ToTruncation(request.truncation()),
                                .with_spans = true};
  v1::TokenizeResponse response;
  for (int i = 0; i < request.inputs_size(); ++i) {
    const auto text = TokenizeInput(engine, request.inputs(i), i, options);
    if (!text.ok()) return text.status();
    *response.add_token_ids() = ToProto(*text);
    *response.add_details() = DetailsOf(request.inputs(i), *text);
  }
  return response;
}

}  // namespace fathom
