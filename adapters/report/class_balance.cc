#include "adapters/report/class_balance.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_format.h"

namespace fathom::training {

std::string FormatClassBalance(const Dataset& data) {
  std::vector<int64_t> counts(data.labels.size(), 0);
  for (const Example& example : data.examples) ++counts[static_cast<size_t>(example.label)];
  const auto [rarest, commonest] = std::minmax_element(counts.begin(), counts.end());
  const auto label = [&](auto place) {
    return data.labels[static_cast<size_t>(place - counts.begin())];
  };
  const auto percent = [&](auto place) {
    return 100 * static_cast<double>(*place) / static_cast<double>(data.examples.size());
  };
  return absl::StrFormat("commonest %s %.1f %%, rarest %s %.1f %%", label(commonest),
                         percent(commonest), label(rarest), percent(rarest));
}

}  // namespace fathom::training
