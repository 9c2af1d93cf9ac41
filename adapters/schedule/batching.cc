#include "adapters/schedule/batching.h"

#include <algorithm>
#include <numeric>
#include <random>

#include "adapters/schedule/uniform.h"

namespace fathom::training {
namespace {

constexpr size_t kLeastPacks = 2;

std::vector<int64_t> SortedByLength(absl::Span<const int64_t> texts,
                                    absl::Span<const int32_t> tokens) {
  std::vector<int64_t> sorted(texts.begin(), texts.end());
  std::stable_sort(sorted.begin(), sorted.end(), [&](int64_t a, int64_t b) {
    return tokens[static_cast<size_t>(a)] < tokens[static_cast<size_t>(b)];
  });
  return sorted;
}

}  // namespace

int64_t StepsPerEpoch(const BatchingOptions& options) {
  return (options.texts + options.batch_size - 1) / options.batch_size;
}

std::vector<int64_t> EpochOrder(const BatchingOptions& options, int64_t epoch) {
  std::vector<int64_t> order(static_cast<size_t>(options.texts));
  std::iota(order.begin(), order.end(), int64_t{0});
  std::mt19937_64 engine(
      StreamSeed(StreamSeed(options.seed, Stream::kShuffle), static_cast<uint64_t>(epoch)));
  for (size_t left = order.size(); left > 1; --left) {
    std::swap(order[left - 1], order[UniformIndex(engine, left)]);
  }
  return order;
}

absl::Span<const int64_t> StepTexts(const BatchingOptions& options,
                                    absl::Span<const int64_t> epoch_order, int64_t step_in_epoch) {
  const auto size = static_cast<size_t>(options.batch_size);
  return epoch_order.subspan(static_cast<size_t>(step_in_epoch) * size, size);
}

absl::Span<const int64_t> RankTexts(absl::Span<const int64_t> step_texts, int rank, int ranks) {
  const auto first = [&](int of_rank) {
    return step_texts.size() * static_cast<size_t>(of_rank) / static_cast<size_t>(ranks);
  };
  return step_texts.subspan(first(rank), first(rank + 1) - first(rank));
}

std::vector<std::vector<int64_t>> PackByLength(absl::Span<const int64_t> texts,
                                               absl::Span<const int32_t> tokens, int64_t max_rows) {
  const auto length = [&](int64_t text) { return tokens[static_cast<size_t>(text)]; };
  const std::vector<int64_t> sorted = SortedByLength(texts, tokens);
  std::vector<std::vector<int64_t>> packs;
  int64_t rows = 0;
  for (int64_t text : sorted) {
    if (packs.empty() || rows + length(text) > max_rows) {
      packs.emplace_back();
      rows = 0;
    }
    packs.back().push_back(text);
    rows += length(text);
  }
  return packs;
}

std::vector<std::vector<int64_t>> BalancedPacks(absl::Span<const int64_t> texts,
                                                absl::Span<const int32_t> tokens,
                                                int64_t max_rows) {
  int64_t rows = 0;
  for (int64_t text : texts) rows += tokens[static_cast<size_t>(text)];
  size_t count = kLeastPacks;
  while (rows > max_rows * static_cast<int64_t>(count)) count *= 2;
  count = std::min(count, std::max<size_t>(texts.size(), 1));

  std::vector<std::vector<int64_t>> packs(count);
  int64_t before = 0;
  for (int64_t text : SortedByLength(texts, tokens)) {
    // By where its middle lies.
    const int64_t length = tokens[static_cast<size_t>(text)];
    const int64_t middle = 2 * before + length;
    packs[static_cast<size_t>(middle * static_cast<int64_t>(count) / (2 * rows))].push_back(text);
    before += length;
  }
  std::erase_if(packs, [](const std::vector<int64_t>& pack) { return pack.empty(); });
  return packs;
}

}  // namespace fathom::training
