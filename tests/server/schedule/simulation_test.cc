// CutBatch against the rules of order.h by brute force, on a simulated server under random load:
// everything runs exactly once, in the right order, and nothing starves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <tuple>

#include "server/schedule/batch_policy.h"

namespace fathom {
namespace {

constexpr OrderRules kRules = {.ageing = absl::Milliseconds(50), .near = absl::Milliseconds(20)};
constexpr PassLimits kLimits = {.max_rows = 40, .max_ms = 10, .fixed_ms = 2};

struct Job {
  WaitingRequest request;
  std::vector<int64_t> units;  // rows of those that have not run
  double row_ms = 0;
};

// What a cut takes: request and how many units, in the order of first turns.
using Taken = std::vector<std::pair<size_t, size_t>>;

// One candidate at a time, the best of all that are left by the text of the rules.
class BruteForce {
 public:
  BruteForce(const std::vector<Job>& jobs, absl::Time now) : jobs_(jobs), now_(now) {}

  Taken Cut() {
    done_.assign(jobs_.size(), 0);
    turns_.assign(jobs_.size(), 0);
    while (!full_) {
      const std::optional<size_t> next = Next();
      if (!next.has_value()) break;
      TakeTurn(*next);
    }
    return taken_;
  }

 private:
  int64_t Level(const Job& job) const {
    return job.request.priority + (now_ - job.request.since) / kRules.ageing;
  }
  bool Near(const Job& job) const {
    return job.request.deadline - now_ <= kRules.near + absl::Milliseconds(job.request.ms);
  }
  // Rule 4.
  auto InTask(size_t i) const {
    const WaitingRequest& request = jobs_[i].request;
    const bool large = request.waiting_share > 0.5;
    const int had = large ? 1 + static_cast<int>(request.taken_share / 0.5) : 0;
    return std::tuple(turns_[i], had, request.deadline, i);
  }

  std::optional<size_t> Next() const {
    std::vector<size_t> best;
    for (size_t i = 0; i < jobs_.size(); ++i) {
      const Job& job = jobs_[i];
      if (job.request.Gone(now_) || done_[i] == job.units.size()) continue;
      if (!best.empty()) {
        const std::pair rank(Level(job), Near(job));
        const std::pair best_rank(Level(jobs_[best[0]]), Near(jobs_[best[0]]));
        if (rank < best_rank) continue;
        if (rank > best_rank) best.clear();
      }
      best.push_back(i);
    }
    if (best.empty()) return std::nullopt;
    if (Near(jobs_[best[0]])) {
      return *std::min_element(best.begin(), best.end(), [&](size_t a, size_t b) {
        return std::pair(jobs_[a].request.deadline, a) < std::pair(jobs_[b].request.deadline, b);
      });
    }
    return Fairest(best);
  }

  // Rule 3: of each task its first, of each client its least used task, of all the least used
  // client.
  size_t Fairest(const std::vector<size_t>& candidates) const {
    const int64_t level = Level(jobs_[candidates[0]]);
    std::map<uint64_t, size_t> of_task;
    for (const size_t i : candidates) {
      const auto [found, is_new] = of_task.emplace(jobs_[i].request.task.id, i);
      if (!is_new && InTask(i) < InTask(found->second)) found->second = i;
    }
    std::map<uint64_t, size_t> of_client;
    for (const auto& [task, i] : of_task) {
      const auto key = [&](size_t j) {
        const WaitingRequest& request = jobs_[j].request;
        return std::tuple(Usage(level, request.task), request.deadline, j);
      };
      const auto [found, is_new] = of_client.emplace(jobs_[i].request.client.id, i);
      if (!is_new && key(i) < key(found->second)) found->second = i;
    }
    const auto key = [&](const auto& entry) {
      const WaitingRequest& request = jobs_[entry.second].request;
      return std::tuple(Usage(level, request.client), request.deadline, entry.second);
    };
    return std::min_element(of_client.begin(), of_client.end(),
                            [&](const auto& a, const auto& b) { return key(a) < key(b); })
        ->second;
  }

  double Usage(int64_t level, const WaitingRequest::Account& account) const {
    const auto found = used_.find({level, account.id});
    return account.usage + (found == used_.end() ? 0 : found->second);
  }

  void TakeTurn(size_t i) {
    const Job& job = jobs_[i];
    double share = 0;
    while (done_[i] < job.units.size() && (share < 0.5 || Near(job))) {
      const int64_t rows = job.units[done_[i]];
      const double ms = job.row_ms * static_cast<double>(rows);
      if (rows_ > 0 && (rows_ + rows > kLimits.max_rows ||
                        (ms > 0 && ms_ + ms > kLimits.max_ms - kLimits.fixed_ms + 1e-9))) {
        full_ = true;
        return;
      }
      if (done_[i] == 0) taken_.emplace_back(i, 0);
      for (auto& [request, units] : taken_) units += request == i ? 1 : 0;
      rows_ += rows;
      ms_ += ms;
      done_[i] += 1;
      share += std::max(static_cast<double>(rows) / kLimits.max_rows,
                        ms / (kLimits.max_ms - kLimits.fixed_ms));
    }
    turns_[i] += 1;
    if (Near(job)) return;
    used_[{Level(job), job.request.client.id}] += share;
    used_[{Level(job), job.request.task.id}] += share;
  }

  const std::vector<Job>& jobs_;
  const absl::Time now_;
  std::vector<size_t> done_;
  std::vector<int> turns_;
  std::map<std::pair<int64_t, uint64_t>, double> used_;  // by level and account
  Taken taken_;
  int64_t rows_ = 0;
  double ms_ = 0;
  bool full_ = false;
};

class Simulation {
 public:
  explicit Simulation(uint32_t seed) : random_(seed) {}

  void Run() {
    for (int step = 0; step < 150 && !::testing::Test::HasFatalFailure(); ++step) {
      for (int arrivals = Draw(4); arrivals > 0; --arrivals) Arrive();
      Pass();
      now_ += absl::Milliseconds(1 + Draw(12));
    }
    while (!jobs_.empty() && !::testing::Test::HasFatalFailure()) {
      Pass();
      now_ += absl::Milliseconds(5);
    }
    EXPECT_EQ(units_run_ + units_dropped_, units_arrived_);
    EXPECT_GT(units_run_, units_dropped_);
  }

 private:
  void Arrive() {
    Job job;
    job.row_ms = Draw(3) == 0 ? 0 : 0.125 * (1 + Draw(3));
    for (int units = Draw(8) == 0 ? 12 : 1 + Draw(2); units > 0; --units) {
      job.units.push_back(1 + Draw(12));
    }
    units_arrived_ += job.units.size();
    job.request = {.priority = Draw(10), .since = now_};
    job.request.client.id = 1 + static_cast<uint64_t>(Draw(3));
    job.request.task.id = 10 * job.request.client.id + static_cast<uint64_t>(Draw(2));
    if (Draw(3) == 0) job.request.deadline = now_ + absl::Milliseconds(5 + Draw(300));
    jobs_.push_back(std::move(job));
  }

  void Pass() {
    std::vector<WaitingRequest> waiting;
    for (Job& job : jobs_) {
      int64_t rows = 0;
      for (const int64_t unit : job.units) rows += unit;
      job.request.ms = job.row_ms * static_cast<double>(rows);
      job.request.waiting_share = kLimits.ShareOf(rows, job.request.ms);
      job.request.client.usage = used_[job.request.client.id];
      job.request.task.usage = used_[job.request.task.id];
      waiting.push_back(job.request);
    }
    const auto units_of = [&](size_t i) {
      std::vector<WorkUnit> units;
      for (const int64_t rows : jobs_[i].units) {
        units.push_back({.items = {{.task = 0}}, .tokens = rows, .row_ms = jobs_[i].row_ms});
      }
      return units;
    };
    const BatchCut cut = CutBatch(waiting, units_of, now_, kRules, kLimits);
    Taken taken;
    for (const BatchCut::Take& take : cut.taken) taken.emplace_back(take.request, take.units);
    ASSERT_EQ(taken, BruteForce(jobs_, now_).Cut());
    CheckNothingStarves(cut);
    Settle(cut);
  }

  // What is left in the queue was overtaken by nothing that came (10 − p) ageings later.
  void CheckNothingStarves(const BatchCut& cut) const {
    absl::Time latest = absl::InfinitePast();
    for (const BatchCut::Take& take : cut.taken) {
      latest = std::max(latest, jobs_[take.request].request.since);
    }
    for (size_t i = 0; i < jobs_.size(); ++i) {
      const WaitingRequest& request = jobs_[i].request;
      const bool taken = std::any_of(cut.taken.begin(), cut.taken.end(),
                                     [&](const auto& take) { return take.request == i; });
      if (taken || request.Gone(now_)) continue;
      ASSERT_LT(latest, request.since + (10 - request.priority) * kRules.ageing);
    }
  }

  void Settle(const BatchCut& cut) {
    int64_t rows = 0;
    for (const BatchCut::Take& take : cut.taken) {
      Job& job = jobs_[take.request];
      ASSERT_LE(take.units, job.units.size());
      for (size_t u = 0; u < take.units; ++u) rows += job.units[u];
      job.units.erase(job.units.begin(),
                      job.units.begin() + static_cast<std::ptrdiff_t>(take.units));
      units_run_ += take.units;
      job.request.since = now_;
      job.request.taken_share += take.share;
      used_[job.request.client.id] += take.share;
      used_[job.request.task.id] += take.share;
    }
    ASSERT_EQ(rows, cut.rows);
    ASSERT_LE(rows, kLimits.max_rows);
    ASSERT_TRUE(rows > 0 || waiting_all_gone());
    for (const auto* gone : {&cut.expired, &cut.cancelled}) {
      for (const size_t i : *gone) {
        units_dropped_ += jobs_[i].units.size();
        jobs_[i].units.clear();
      }
    }
    std::erase_if(jobs_, [](const Job& job) { return job.units.empty(); });
  }

  bool waiting_all_gone() const {
    return std::all_of(jobs_.begin(), jobs_.end(),
                       [&](const Job& job) { return job.request.Gone(now_); });
  }

  int Draw(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }

  std::mt19937 random_;
  absl::Time now_ = absl::FromUnixSeconds(1000);
  std::vector<Job> jobs_;  // by arrival
  std::map<uint64_t, double> used_;
  size_t units_arrived_ = 0;
  size_t units_run_ = 0;
  size_t units_dropped_ = 0;
};

TEST(Simulation, EverythingRunsOnceInTheRightOrderAndNothingStarves) {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    Simulation(seed).Run();
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace fathom
