#include "runtime/cache/tap_cache.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/hash/hash.h"

namespace fathom {
namespace {

// A full tap of the longest usual text (512 tokens, width 1024, a pair) is 4 MB.
constexpr int64_t kMinShardBytes = int64_t{8} << 20;

constexpr int64_t kBytesPerSightingByte = 256;  // the table's share of the budget

int64_t SightingBytes(int64_t max_bytes) { return max_bytes / kBytesPerSightingByte; }

}  // namespace

TapCache::TapCache(std::string_view fingerprint, int64_t max_bytes)
    : enabled_(max_bytes > 0),
      hash_{.seed = absl::HashOf(fingerprint)},
      sightings_(SightingBytes(max_bytes)),
      texts_(max_bytes - SightingBytes(max_bytes), kMinShardBytes, hash_) {}

TextTaps TapCache::Find(const TokenizedText& text) {
  if (!enabled_) return {};
  TextTaps found{.sightings = sightings_.Count(hash_(text))};
  if (std::optional<Taps> kept = texts_.Find(text)) found.taps = std::move(kept->taps);
  return found;
}

TextTaps TapCache::Peek(const TokenizedText& text) const {
  TextTaps found;
  if (!enabled_) return found;
  if (std::optional<Taps> kept = texts_.Peek(text)) found.taps = std::move(kept->taps);
  return found;
}

int64_t TapCache::Taps::bytes() const {
  int64_t sum = 0;
  for (const auto& tap : taps) sum += tap->bytes();
  return sum;
}

TapCache::Taps TapCache::With(const Taps& old, const std::shared_ptr<const Tap>& tap) {
  Taps taps = old;
  const auto same = std::find_if(taps.taps.begin(), taps.taps.end(),
                                 [&](const auto& kept) { return kept->layer() == tap->layer(); });
  if (same != taps.taps.end()) {
    *same = tap;
    return taps;
  }
  if (taps.taps.size() == kMaxTapsOfText) taps.taps.pop_back();
  taps.taps.push_back(tap);
  std::sort(taps.taps.begin(), taps.taps.end(),
            [](const auto& a, const auto& b) { return a->layer() < b->layer(); });
  return taps;
}

void TapCache::Insert(const TokenizedText& text, std::shared_ptr<const Tap> tap) {
  if (!enabled_) return;
  texts_.Put(text, [&](const Taps* old, int64_t room) {
    Taps alone{.taps = {tap}};
    if (old == nullptr) return alone;
    Taps both = With(*old, tap);
    return both.bytes() <= room ? both : alone;
  });
}

void TapCache::CountLookup(bool hit) {
  if (!enabled_) return;
  (hit ? hits_ : misses_).fetch_add(1, std::memory_order_relaxed);
}

void TapCache::Clear() {
  texts_.Clear();
  sightings_.Clear();
}

CacheCounts TapCache::counts() const {
  CacheCounts counts = texts_.counts();
  counts.hits = hits_.load(std::memory_order_relaxed);
  counts.misses = misses_.load(std::memory_order_relaxed);
  return counts;
}

}  // namespace fathom
