// RequestQueue: the requests that are not answered yet and the flights that they wait for. Forms
// batches and deals out what passes answered. For one thread at a time: the scheduler locks it.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "runtime/engine.h"
#include "server/schedule/batch_policy.h"
#include "server/schedule/flights.h"
#include "server/schedule/queued_request.h"

namespace fathom {

// What waits for a pass; what is in one is not included. Rows are counted for every request that
// wants them, also where one flight serves several.
struct QueueLength {
  int64_t requests = 0;
  int64_t rows = 0;
};

// One text of a pass.
struct BatchPart {
  QueuedRequestPtr owner;          // whose usage its work is counted to
  std::vector<FlightPtr> flights;  // of equal text; at least one
};

struct Batch {
  std::vector<QueuedRequestPtr> expired;    // gone from the queue
  std::vector<QueuedRequestPtr> cancelled;  // the same
  std::vector<BatchPart> parts;             // of the pass, if any
};

// What a pass brought.
struct Answered {
  std::vector<QueuedRequestPtr> requests;  // answered whole and gone from the queue; by arrival
  int64_t deduplicated_items = 0;          // that took the answer computed for another one
};

class RequestQueue {
 public:
  void Add(const QueuedRequestPtr& request);

  // The next pass: waiting flights by the order of arrival, as many as fit. They run from now on.
  Batch Take(absl::Time now, int64_t max_rows);

  // Deals out the answers of a batch that ran for `compute`. REQUIRES: `pass` answers each part
  // and each of its flights.
  Answered Finish(const Batch& batch, PassResult& pass, absl::Duration compute);

  // The requests that had an item in a batch whose pass failed. They are gone from the queue.
  std::vector<QueuedRequestPtr> Fail(const Batch& batch);

  // The cancelled requests of which no item is in a pass. They are gone from the queue.
  std::vector<QueuedRequestPtr> TakeCancelled();

  const QueueLength& length() const { return length_; }
  bool has_work() const { return length_.requests > 0; }

 private:
  std::vector<WorkUnit> WaitingUnits(const QueuedRequest& request, int64_t max_rows,
                                     absl::flat_hash_set<const Flight*>& claimed) const;
  BatchPart Start(const QueuedRequestPtr& request, const WorkUnit& unit);
  void Remove(const QueuedRequestPtr& request);
  std::vector<QueuedRequestPtr> HoldersOf(const Batch& batch) const;

  FlightTable flights_;
  std::map<uint64_t, QueuedRequestPtr> requests_;  // not answered, by arrival
  uint64_t arrivals_ = 0;
  QueueLength length_;
};

}  // namespace fathom
