// TapCache: the taps of texts seen before, by token ids, within a number of bytes. Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "runtime/cache/counts.h"
#include "runtime/cache/sharded_lru.h"
#include "runtime/cache/sighting_table.h"
#include "runtime/cache/tap.h"
#include "runtime/cache/text_key.h"
#include "runtime/text/text.h"

namespace fathom {

// Sharing a tap keeps it alive whatever the cache does.
struct TextTaps {
  absl::InlinedVector<std::shared_ptr<const Tap>, kMaxTapsOfText> taps;  // by rising layer
  int sightings = 0;  // times that the text was looked up, with this one; stops at 255
};

class TapCache {
 public:
  // `fingerprint` is the encoder's. At most `max_bytes` are held, all bookkeeping included. 0: off,
  // then nothing is kept, found or counted.
  TapCache(std::string_view fingerprint, int64_t max_bytes);

  bool enabled() const { return enabled_; }

  // Marks the text used and counts the sighting.
  TextTaps Find(const TokenizedText& text);

  // What Find would find, without a trace: for predictions. `sightings` is 0.
  TextTaps Peek(const TokenizedText& text) const;

  // Keeps the tap as the text's own. It replaces a tap of the same layer. Beside two taps of other
  // layers it replaces the deeper one, which serves fewer depths. If the text's two taps together
  // are over a shard's budget, the new one stays alone. Drops the least recently used texts until
  // the budget is kept. A tap that is alone over a shard's budget is refused, and nothing changes.
  void Insert(const TokenizedText& text, std::shared_ptr<const Tap> tap);

  // Whether a pass used a tap of a text: what was found may not be of use to it. Once a text and
  // pass.
  void CountLookup(bool hit);

  // Forgets taps and sightings.
  void Clear();

  // Entries are texts.
  CacheCounts counts() const;

 private:
  struct Taps {
    absl::InlinedVector<std::shared_ptr<const Tap>, kMaxTapsOfText> taps;

    int64_t bytes() const;
  };

  static Taps With(const Taps& old, const std::shared_ptr<const Tap>& tap);

  const bool enabled_;
  const TextHash hash_;
  SightingTable sightings_;
  ShardedLru<TextKey, Taps, TextHash, TextEqual> texts_;
  std::atomic<int64_t> hits_ = 0;
  std::atomic<int64_t> misses_ = 0;
};

}  // namespace fathom
