#include "adapters/data/text_packs.h"

#include <numeric>

#include "adapters/schedule/batching.h"

namespace fathom::training {

std::vector<int32_t> TokenCounts(const Dataset& data) {
  std::vector<int32_t> tokens;
  tokens.reserve(data.examples.size());
  for (const Example& example : data.examples) {
    tokens.push_back(static_cast<int32_t>(example.text.ids.size()));
  }
  return tokens;
}

std::vector<const TokenizedText*> TextsOf(const Dataset& data, absl::Span<const int64_t> examples) {
  std::vector<const TokenizedText*> texts;
  texts.reserve(examples.size());
  for (const int64_t example : examples) {
    texts.push_back(&data.examples[static_cast<size_t>(example)].text);
  }
  return texts;
}

std::vector<std::vector<int64_t>> PackAll(const Dataset& data, int64_t max_rows) {
  std::vector<int64_t> all(data.examples.size());
  std::iota(all.begin(), all.end(), int64_t{0});
  return PackByLength(all, TokenCounts(data), max_rows);
}

}  // namespace fathom::training
