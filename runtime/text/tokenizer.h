// Tokenizer: the Hugging Face tokenizers crate. Ids are exactly those of Python's `tokenizers`.
// Immutable after creation; every method may be called from any number of threads at once.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "runtime/text/text.h"

namespace fathom {

struct BertVocabOptions {
  bool lowercase = true;
  std::optional<bool> strip_accents;  // absent: as lowercase
  bool tokenize_chinese_chars = true;
};

class Tokenizer {
 public:
  // From the bytes of a tokenizer.json, or of a vocab.txt alone.
  static absl::StatusOr<std::unique_ptr<const Tokenizer>> FromJson(std::string_view json);
  static absl::StatusOr<std::unique_ptr<const Tokenizer>> FromBertVocab(
      std::string_view vocab, const BertVocabOptions& options);

  // From a Hugging Face folder: tokenizer.json if it is there, else vocab.txt with the options of
  // tokenizer_config.json. NOT_FOUND names both.
  static absl::StatusOr<std::unique_ptr<const Tokenizer>> FromFolder(const std::string& folder);

  ~Tokenizer();
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  // Ids with special tokens; at most max_tokens of them. Text that spells a special token
  // ("[SEP]") is text. INVALID_ARGUMENT: invalid UTF-8 (names the byte), a text over max_tokens
  // with Truncation::kError (names both counts), a pair that the truncation cannot shorten enough.
  absl::StatusOr<TokenizedText> Encode(const RawText& text, Truncation truncation,
                                       int max_tokens) const;

  // One more than the largest id, added tokens included.
  int vocab_size() const;

 private:
  struct Handle;
  explicit Tokenizer(std::unique_ptr<Handle> handle);
  const std::unique_ptr<Handle> handle_;
};

}  // namespace fathom
