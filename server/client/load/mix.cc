#include "server/client/load/mix.h"

#include <cmath>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/client/depth_spec.h"

namespace fathom {
namespace {

absl::StatusOr<MixEntry> ParseEntry(absl::string_view text) {
  MixEntry entry;
  const std::vector<absl::string_view> parts = absl::StrSplit(text, ':');
  if (parts.size() > 2 ||
      (parts.size() == 2 && (!absl::SimpleAtod(parts[1], &entry.weight) ||
                             !std::isfinite(entry.weight) || entry.weight <= 0))) {
    return absl::InvalidArgumentError(
        absl::StrCat("mix '", std::string(text), "': behind ':' stands one weight above 0"));
  }
  for (const absl::string_view spec : absl::StrSplit(parts[0], ',')) {
    absl::StatusOr<v1::TaskSelector> task = ParseTask(spec);
    if (!task.ok()) return task.status();
    entry.tasks.push_back(*std::move(task));
  }
  return entry;
}

std::discrete_distribution<size_t> ByWeight(const std::vector<MixEntry>& entries) {
  std::vector<double> weights;
  for (const MixEntry& entry : entries) weights.push_back(entry.weight);
  return {weights.begin(), weights.end()};
}

}  // namespace

absl::StatusOr<std::vector<MixEntry>> ParseMix(absl::string_view text) {
  std::vector<MixEntry> entries;
  for (const absl::string_view part : absl::StrSplit(text, ';')) {
    absl::StatusOr<MixEntry> entry = ParseEntry(part);
    if (!entry.ok()) return entry.status();
    entries.push_back(*std::move(entry));
  }
  return entries;
}

Mix::Mix(std::vector<MixEntry> entries)
    : entries_(std::move(entries)), index_(ByWeight(entries_)) {}

}  // namespace fathom
