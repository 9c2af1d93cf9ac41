// RequestQueue: the requests that are not answered yet and the flights that they wait for. Forms
// batches and deals out what passes answered. For one thread at a time: the scheduler locks it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "runtime/engine.h"
#include "server/schedule/batch.h"
#include "server/schedule/batch_policy.h"
#include "server/schedule/depth_chooser.h"
#include "server/schedule/fairness.h"
#include "server/schedule/flights.h"
#include "server/schedule/observer.h"
#include "server/schedule/queued_request.h"
#include "server/schedule/waiting_request.h"

namespace fathom {

struct QueueRules {
  PassLimits pass;
  OrderRules order;
  int layers = 0;                  // L
  DepthChooser* depths = nullptr;  // not owned; null: an automatic n is the task's default
};

// All times are readings of Clock::Steady.
class RequestQueue {
 public:
  explicit RequestQueue(const QueueRules& rules) : rules_(rules) {}

  // `client`: whom it is charged to.
  void Add(const QueuedRequestPtr& request, const std::string& client, absl::Time now);

  // The next pass: waiting flights in the order of order.h, as many as fit. They run from now on.
  // n is chosen for requests that begin; `moment` is theirs but for what concerns one alone.
  Batch Take(absl::Time now, const CutMoment& moment);

  // Deals out the answers of a batch that ran for `compute`. REQUIRES: `pass` answers each part
  // and each of its flights.
  Answered Finish(const Batch& batch, PassResult& pass, absl::Duration compute);

  // The requests that had an item in a batch whose pass failed. They are gone from the queue.
  std::vector<QueuedRequestPtr> Fail(const Batch& batch);

  // Whether nobody waits for anything of a batch that runs. If so, nobody joins it any more.
  bool Abandon(const Batch& batch, absl::Time now);

  // The requests that nobody waits for any more and of which no item is in a pass. They are gone
  // from the queue.
  std::vector<QueuedRequestPtr> TakeGone(absl::Time now);

  // What waits, in the order of arrival, without what clients and tasks used.
  std::vector<WaitingRequest> Waiting() const;

  const QueueLength& length() const { return length_; }
  bool has_work() const { return length_.requests > 0; }

  // Predicted, until a request of the lowest priority that came now had its turn.
  double turn_ms() const { return rules_.pass.MsInPasses(turn_ms_); }

 private:
  static std::vector<WorkUnit> WaitingUnits(const QueuedRequest& request, int64_t max_rows);
  WaitingRequest Describe(const QueuedRequest& request) const;
  void Begin(QueuedRequest& request, const CutMoment& moment);
  void Join(QueuedRequest& request);
  BatchPart Start(const QueuedRequestPtr& request, const WorkUnit& unit,
                  std::vector<FlightPtr>& shadowed);
  void StartFlight(const FlightPtr& flight);
  void AddShadows(const std::vector<FlightPtr>& chosen, Batch& batch);
  void NoLongerWaits(QueuedRequest& request, int64_t tokens);
  void Recount(QueuedRequest& request);
  void Remove(const QueuedRequestPtr& request);
  std::vector<QueuedRequestPtr> HoldersOf(const Batch& batch) const;

  const QueueRules rules_;
  FlightTable flights_;
  UsageTable clients_;
  UsageTable tasks_;                               // by client and task
  std::map<uint64_t, QueuedRequestPtr> requests_;  // not answered, by arrival
  uint64_t arrivals_ = 0;
  uint64_t passes_ = 0;
  QueueLength length_;
  double turn_ms_ = 0;
};

}  // namespace fathom
