// The texts of a data set, in packs for the executor.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "adapters/data/dataset.h"

namespace fathom::training {

// How many tokens the text of each example has.
std::vector<int32_t> TokenCounts(const Dataset& data);

// The texts of these examples, which stay the data set's own.
std::vector<const TokenizedText*> TextsOf(const Dataset& data, absl::Span<const int64_t> examples);

// All examples in packs of at most `max_rows` tokens, as PackByLength makes them.
std::vector<std::vector<int64_t>> PackAll(const Dataset& data, int64_t max_rows);

}  // namespace fathom::training
