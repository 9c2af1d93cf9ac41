// How far two engines agree on the same texts. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "absl/types/span.h"

namespace fathom::bench {

// Of one task at one n.
struct Agreement {
  std::string task;
  int skip_layers = 0;
  int texts = 0;
  int same_label = 0;          // of classification: equal argmax
  double max_difference = 0;   // of any logit
  double mean_difference = 0;  // of all logits

  double share() const { return texts == 0 ? 1 : static_cast<double>(same_label) / texts; }
};

// Counts one text. The logits are of one text and task, from both engines, and equally many; a
// single logit (regression) agrees always.
void Add(absl::Span<const float> expected, absl::Span<const float> actual, Agreement& agreement);

// A Markdown table, and a last line with the sum of all rows.
std::string MarkdownTable(absl::Span<const Agreement> rows);

}  // namespace fathom::bench
