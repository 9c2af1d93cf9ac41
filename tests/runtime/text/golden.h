// What Python's tokenizers gives: the files that make_golden.py makes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/text/tokenizer.h"

namespace fathom {

// The bytes of a file in golden/. A test that asks for a file that is not there stops.
std::string ReadGoldenFile(const std::string& name);

// The tokenizer of a .json or of a vocab.txt (with `options`) in golden/. Never null.
std::unique_ptr<const Tokenizer> LoadGoldenTokenizer(const std::string& file,
                                                     const BertVocabOptions& options = {});

struct GoldenCase {
  RawText text;  // points into Golden::texts
  Truncation truncation = Truncation::kError;
  int max_tokens = 0;
  int32_t full_tokens = 0;
  bool refused = false;  // then there are no ids
  std::vector<int32_t> ids;
  std::vector<int32_t> segment_ids;
  std::string name;  // for messages
};

struct Golden {
  Golden() = default;
  Golden(Golden&&) = default;  // a copy's cases would point into the original

  std::vector<std::string> texts;
  std::string tokenizer_file;
  BertVocabOptions options;
  std::vector<GoldenCase> cases;
};

Golden LoadGolden(const std::string& name);

}  // namespace fathom
