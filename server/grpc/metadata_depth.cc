#include "server/grpc/metadata_depth.h"

#include <cstdint>
#include <iterator>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/grpc/errors.h"

namespace fathom {
namespace {

constexpr double kMostBudgetMs = 1e12;  // what fits a protobuf duration, with room

// Reads a value into its place in a depth.
using Read = absl::Status (*)(const std::string& key, const std::string& value, v1::Depth& depth);

absl::Status NotANumber(const std::string& key, const std::string& value) {
  return InvalidField(key, absl::StrCat("'", value.substr(0, 32), "' is not a number"));
}

absl::Status ReadSkipLayers(const std::string& key, const std::string& value, v1::Depth& depth) {
  uint32_t n = 0;
  if (!absl::SimpleAtoi(value, &n)) return NotANumber(key, value);
  depth.set_skip_layers(n);
  return absl::OkStatus();
}

absl::Status ReadBudget(const std::string& key, const std::string& value, v1::Depth& depth) {
  double ms = 0;
  if (!absl::SimpleAtod(value, &ms)) return NotANumber(key, value);
  const absl::Duration budget = absl::Milliseconds(ms);
  if (!(ms <= kMostBudgetMs) || budget <= absl::ZeroDuration()) {
    return InvalidField(
        key, absl::StrCat(value.substr(0, 32), " is out of range; it is above 0, in milliseconds"));
  }
  absl::Duration rest;
  depth.mutable_latency_budget()->set_seconds(absl::IDivDuration(budget, absl::Seconds(1), &rest));
  depth.mutable_latency_budget()->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
  return absl::OkStatus();
}

absl::Status ReadShare(const std::string& key, const std::string& value, float* share) {
  if (!absl::SimpleAtof(value, share)) return NotANumber(key, value);
  return CheckShare(key, *share);
}

absl::Status ReadMinQuality(const std::string& key, const std::string& value, v1::Depth& depth) {
  float share = 0;
  const absl::Status status = ReadShare(key, value, &share);
  if (status.ok()) depth.set_min_quality(share);
  return status;
}

absl::Status ReadFloor(const std::string& key, const std::string& value, v1::Depth& depth) {
  float share = 0;
  const absl::Status status = ReadShare(key, value, &share);
  if (status.ok()) depth.set_quality_floor(share);
  return status;
}

// Whether the key was there.
absl::StatusOr<bool> ReadKey(const CallMetadata& metadata, const std::string& key, Read read,
                             v1::Depth& depth) {
  const auto [first, last] = metadata.equal_range(key);
  if (first == last) return false;
  if (std::next(first) != last) return InvalidField(key, "given twice; give it once");
  const std::string value(first->second.data(), first->second.size());
  const absl::Status status = read(key, value, depth);
  if (!status.ok()) return status;
  return true;
}

}  // namespace

DepthNames MetadataKeys() {
  return {.skip_layers = "x-fathom-skip-layers",
          .latency_budget = "x-fathom-latency-budget-ms",
          .min_quality = "x-fathom-min-quality",
          .quality_floor = "x-fathom-quality-floor"};
}

absl::StatusOr<std::optional<v1::Depth>> DepthOfMetadata(const CallMetadata& metadata) {
  const DepthNames keys = MetadataKeys();
  const std::pair<std::string, Read> choices[] = {{keys.skip_layers, ReadSkipLayers},
                                                  {keys.latency_budget, ReadBudget},
                                                  {keys.min_quality, ReadMinQuality}};
  v1::Depth depth;
  std::string chosen;
  for (const auto& [key, read] : choices) {
    const absl::StatusOr<bool> there = ReadKey(metadata, key, read, depth);
    if (!there.ok()) return there.status();
    if (!*there) continue;
    if (!chosen.empty()) return InvalidField(key, absl::StrCat("beside ", chosen, "; give one"));
    chosen = key;
  }
  const absl::StatusOr<bool> floor = ReadKey(metadata, keys.quality_floor, ReadFloor, depth);
  if (!floor.ok()) return floor.status();
  if (chosen.empty() && !*floor) return std::nullopt;
  return depth;
}

}  // namespace fathom
