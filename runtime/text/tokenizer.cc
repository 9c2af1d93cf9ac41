#include "runtime/text/tokenizer.h"

#include <utility>

#include "runtime/text/tokenizers_ffi/tokenizers_ffi.h"

namespace fathom {
namespace {

FathomBytes Bytes(std::string_view text) { return {text.data(), text.size()}; }

// The status of a call that did not give FATHOM_TOKENIZER_OK. Frees the message.
absl::Status Failure(FathomTokenizerCode code, char* message) {
  const std::unique_ptr<char, decltype(&fathom_tokenizer_message_free)> owned(
      message, &fathom_tokenizer_message_free);
  if (code == FATHOM_TOKENIZER_INVALID) return absl::InvalidArgumentError(message);
  return absl::InternalError(message);
}

FathomTruncation Code(Truncation truncation) {
  switch (truncation) {
    case Truncation::kError:
      return FATHOM_TRUNCATION_ERROR;
    case Truncation::kLongestFirst:
      return FATHOM_TRUNCATION_LONGEST_FIRST;
    case Truncation::kOnlyFirst:
      return FATHOM_TRUNCATION_ONLY_FIRST;
    case Truncation::kOnlySecond:
      return FATHOM_TRUNCATION_ONLY_SECOND;
  }
  return FATHOM_TRUNCATION_ERROR;
}

std::vector<TokenSpan> Spans(const FathomTokens& tokens) {
  std::vector<TokenSpan> spans;
  if (tokens.spans == nullptr) return spans;
  spans.reserve(tokens.size);
  for (size_t i = 0; i < tokens.size; ++i) {
    const FathomTokenSpan& span = tokens.spans[i];
    spans.push_back({.begin = span.begin, .end = span.end, .text = span.text});
  }
  return spans;
}

int8_t StripAccentsCode(const std::optional<bool>& strip_accents) {
  if (!strip_accents.has_value()) return -1;
  return *strip_accents ? 1 : 0;
}

}  // namespace

struct Tokenizer::Handle {
  explicit Handle(FathomTokenizer* owned) : tokenizer(owned) {}
  ~Handle() { fathom_tokenizer_free(tokenizer); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  FathomTokenizer* const tokenizer;
};

Tokenizer::Tokenizer(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}

Tokenizer::~Tokenizer() = default;

absl::StatusOr<std::unique_ptr<const Tokenizer>> Tokenizer::FromJson(std::string_view json) {
  FathomTokenizer* tokenizer = nullptr;
  char* message = nullptr;
  const FathomTokenizerCode code = fathom_tokenizer_from_json(Bytes(json), &tokenizer, &message);
  if (code != FATHOM_TOKENIZER_OK) return Failure(code, message);
  return std::unique_ptr<const Tokenizer>(new Tokenizer(std::make_unique<Handle>(tokenizer)));
}

absl::StatusOr<std::unique_ptr<const Tokenizer>> Tokenizer::FromBertVocab(
    std::string_view vocab, const BertVocabOptions& options) {
  const FathomBertVocabOptions ffi_options{
      .lowercase = options.lowercase,
      .strip_accents = StripAccentsCode(options.strip_accents),
      .tokenize_chinese_chars = options.tokenize_chinese_chars,
  };
  FathomTokenizer* tokenizer = nullptr;
  char* message = nullptr;
  const FathomTokenizerCode code =
      fathom_tokenizer_from_bert_vocab(Bytes(vocab), &ffi_options, &tokenizer, &message);
  if (code != FATHOM_TOKENIZER_OK) return Failure(code, message);
  return std::unique_ptr<const Tokenizer>(new Tokenizer(std::make_unique<Handle>(tokenizer)));
}

absl::StatusOr<TokenizedText> Tokenizer::Encode(const RawText& text, Truncation truncation,
                                                int max_tokens) const {
  const FathomEncodeRequest request{
      .first = Bytes(text.first),
      .second = Bytes(text.second.value_or(std::string_view())),
      .has_second = text.second.has_value(),
      .truncation = static_cast<uint8_t>(Code(truncation)),
      .with_spans = text.with_spans,
      .max_tokens = max_tokens,
  };
  FathomTokens tokens{};
  char* message = nullptr;
  const FathomTokenizerCode code =
      fathom_tokenizer_encode(handle_->tokenizer, &request, &tokens, &message);
  if (code != FATHOM_TOKENIZER_OK) return Failure(code, message);
  const std::unique_ptr<FathomTokens, decltype(&fathom_tokenizer_tokens_free)> owned(
      &tokens, &fathom_tokenizer_tokens_free);
  return TokenizedText{
      .ids = {tokens.ids, tokens.ids + tokens.size},
      .segment_ids = {tokens.segment_ids, tokens.segment_ids + tokens.size},
      .full_tokens = tokens.full_tokens,
      .spans = Spans(tokens),
  };
}

int Tokenizer::vocab_size() const { return fathom_tokenizer_vocab_size(handle_->tokenizer); }

}  // namespace fathom
