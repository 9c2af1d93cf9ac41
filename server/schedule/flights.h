// Flights: what is to be computed, each (text, task, n, output) once however many requests want it
// at the same time. There is no leader among them: a request that goes leaves the flight to the
// others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "runtime/engine.h"
#include "runtime/text/text.h"
#include "server/schedule/request.h"

namespace fathom {

struct QueuedRequest;

// Equal texts have equal token ids and segment ids. Their hashes are computed once a text.
struct HashedText {
  std::shared_ptr<const TokenizedText> text;
  size_t hash = 0;
};
HashedText HashText(std::shared_ptr<const TokenizedText> text);

// One (text, task, n, output). It owns what a pass reads, so a pass needs none of the requests.
struct Flight {
  enum class State : uint8_t {
    kWaiting,  // for a pass
    kRunning,  // in a pass
    kDone,     // answered, or its pass failed
  };

  const uint64_t id;  // >= 1
  const HashedText text;
  const ScheduledTask task;
  uint64_t pass = 0;  // that it is or was in
  State state = State::kWaiting;
  std::vector<QueuedRequest*> holders;  // who wants it, once for each place of the answer
  TaskOutput output;                    // of a pass that succeeded; does not change once kDone

  int64_t tokens() const { return static_cast<int64_t>(text.text->ids.size()); }
};
using FlightPtr = std::shared_ptr<Flight>;

// The flights that are not done. For one thread at a time.
class FlightTable {
 public:
  // The flight of the same text, task version, n and output, or a new one that waits; now held by
  // `holder`.
  FlightPtr Join(const HashedText& text, const ScheduledTask& task, QueuedRequest* holder);

  // The same, held by nobody more than before.
  FlightPtr FindOrAdd(const HashedText& text, const ScheduledTask& task);

  // Takes back one Join. A flight that waits and that nobody holds any more is forgotten.
  void Leave(Flight& flight, QueuedRequest* holder);

  // Marks it done and lets go of its holders. The same is computed anew from now on.
  void Finish(Flight& flight);

  // Nobody can join it any more.
  void Forget(Flight& flight) { flights_.erase(&flight); }

  size_t size() const { return flights_.size(); }

 private:
  struct Sought {
    const HashedText& text;
    const ScheduledTask& task;
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(const Sought& sought) const;
    size_t operator()(const FlightPtr& flight) const;
    size_t operator()(const Flight* flight) const;
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const FlightPtr& flight, const Sought& sought) const;
    bool operator()(const FlightPtr& a, const FlightPtr& b) const { return a == b; }
    bool operator()(const FlightPtr& a, const Flight* b) const { return a.get() == b; }
  };

  absl::flat_hash_set<FlightPtr, Hash, Equal> flights_;
  uint64_t ids_ = 0;
};

}  // namespace fathom
