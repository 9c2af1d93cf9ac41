// Which texts an optimizer step sees, and how they are packed. Pure functions: a run that resumes
// at step s sees what the uninterrupted run would have seen.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace fathom::training {

struct BatchingOptions {
  int64_t texts = 0;    // in the training file
  int batch_size = 32;  // texts an optimizer step; the last step of an epoch may have fewer
  uint64_t seed = 0;
};

int64_t StepsPerEpoch(const BatchingOptions& options);

// The order of all texts in one epoch (from 0): a permutation that depends on seed and epoch only.
std::vector<int64_t> EpochOrder(const BatchingOptions& options, int64_t epoch);

// The texts of one step of an epoch, out of EpochOrder's result.
absl::Span<const int64_t> StepTexts(const BatchingOptions& options,
                                    absl::Span<const int64_t> epoch_order, int64_t step_in_epoch);

// The texts of a step that one of `ranks` processes computes: neighbours, sizes differ by at most
// 1, so that the last step of an epoch may leave some without texts.
absl::Span<const int64_t> RankTexts(absl::Span<const int64_t> step_texts, int rank, int ranks);

// Splits the texts of a step into packs of at most `max_rows` tokens (a longer text has one of its
// own), sorted by length, so that texts of equal length stand together: attention then needs
// neither padding nor a mask. `tokens` is indexed by text.
std::vector<std::vector<int64_t>> PackByLength(absl::Span<const int64_t> texts,
                                               absl::Span<const int32_t> tokens, int64_t max_rows);

// Splits the texts of a step into a power of two of packs, two or more where there are as many
// texts, so that they can run side by side: by length as above, each with about as many tokens as
// the others, `max_rows` at most on the mean. Does not depend on who runs them.
std::vector<std::vector<int64_t>> BalancedPacks(absl::Span<const int64_t> texts,
                                                absl::Span<const int32_t> tokens, int64_t max_rows);

}  // namespace fathom::training
