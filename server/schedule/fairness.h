// Fairness between clients, and between the tasks of a client, by what each used of late.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "server/schedule/waiting_request.h"

namespace fathom {

// Whose turn it is, in one service class, while a pass is formed: of the client that used least,
// the task that used least, and of that the first request. Equal usage: the earlier deadline, then
// the earlier arrival. What a turn takes counts from then on. A pure value.
class FairTurns {
 public:
  // `requests` are indices of `waiting`, first served first within a client's task.
  FairTurns(absl::Span<const WaitingRequest> waiting, absl::Span<const size_t> requests);

  bool empty() const { return clients_.empty(); }

  // REQUIRES: not empty.
  size_t Next() const;

  // Next() took so much. `finished`: it wants no more; otherwise it goes behind the others of its
  // client and task.
  void Took(double cost, bool finished);

 private:
  // Usage, deadline and arrival of the first request: who is least goes first.
  using Rank = std::tuple<double, absl::Time, size_t>;

  struct Task {
    double usage = 0;
    std::vector<size_t> requests;  // from `next` on they wait
    size_t next = 0;
  };
  struct Client {
    double usage = 0;
    std::map<uint64_t, Task> tasks;
    std::set<std::pair<Rank, uint64_t>> order;  // of tasks
  };

  Rank RankOf(const Task& task) const;
  void Enter(uint64_t client_id, Client& client);

  const absl::Span<const WaitingRequest> waiting_;
  std::map<uint64_t, Client> clients_by_id_;
  std::set<std::pair<Rank, uint64_t>> clients_;  // in order
};

// What an account used, in full passes, each part of it halved with every half-life that has passed
// since.
class RecentUsage {
 public:
  static constexpr absl::Duration kHalfLife = absl::Seconds(1);
  static constexpr double kFaded = 0.01;  // less counts as nothing, so that deadlines decide

  explicit RecentUsage(uint64_t id) : id_(id) {}

  uint64_t id() const { return id_; }
  double At(absl::Time now) const;
  void Add(double cost, absl::Time now);

 private:
  const uint64_t id_;
  double usage_ = 0;
  absl::Time at_ = absl::InfinitePast();
};

// The accounts that are in use or used something of late. For one thread at a time.
class UsageTable {
 public:
  // Clients make up their names. Above it, what nobody waits for is forgotten.
  static constexpr size_t kMaxIdle = 4096;

  // Whoever holds it keeps it.
  std::shared_ptr<RecentUsage> Find(std::string_view name, absl::Time now);

  size_t size() const { return accounts_.size(); }

 private:
  void ForgetIdle(absl::Time now);

  absl::flat_hash_map<std::string, std::shared_ptr<RecentUsage>> accounts_;
  uint64_t ids_ = 0;
  size_t sweep_at_ = kMaxIdle;
};

}  // namespace fathom
