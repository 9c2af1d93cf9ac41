#include "server/schedule/fairness.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace fathom {

FairTurns::FairTurns(absl::Span<const WaitingRequest> waiting, absl::Span<const size_t> requests)
    : waiting_(waiting) {
  for (const size_t i : requests) {
    const WaitingRequest& request = waiting[i];
    Client& client = clients_by_id_[request.client.id];
    client.usage = request.client.usage;
    Task& task = client.tasks[request.task.id];
    task.usage = request.task.usage;
    task.requests.push_back(i);
  }
  for (auto& [id, client] : clients_by_id_) {
    for (const auto& [task_id, task] : client.tasks) client.order.emplace(RankOf(task), task_id);
    Enter(id, client);
  }
}

FairTurns::Rank FairTurns::RankOf(const Task& task) const {
  const size_t first = task.requests[task.next];
  return {task.usage, waiting_[first].deadline, first};
}

void FairTurns::Enter(uint64_t client_id, Client& client) {
  if (client.order.empty()) return;
  const auto& [task_usage, deadline, arrival] = client.order.begin()->first;
  clients_.emplace(Rank{client.usage, deadline, arrival}, client_id);
}

size_t FairTurns::Next() const {
  return std::get<2>(clients_.begin()->first);  // of its first task's first request
}

void FairTurns::Took(double cost, bool finished) {
  const uint64_t client_id = clients_.begin()->second;
  clients_.erase(clients_.begin());
  Client& client = clients_by_id_.at(client_id);
  const uint64_t task_id = client.order.begin()->second;
  client.order.erase(client.order.begin());
  Task& task = client.tasks.at(task_id);
  if (!finished) task.requests.push_back(task.requests[task.next]);
  task.next += 1;
  task.usage += cost;
  client.usage += cost;
  if (task.next < task.requests.size()) client.order.emplace(RankOf(task), task_id);
  Enter(client_id, client);
}

double RecentUsage::At(absl::Time now) const {
  if (usage_ == 0 || now <= at_) return usage_;
  const double usage = usage_ * std::exp2(-absl::FDivDuration(now - at_, kHalfLife));
  return usage < kFaded ? 0 : usage;
}

void RecentUsage::Add(double cost, absl::Time now) {
  usage_ = At(now) + cost;
  at_ = std::max(at_, now);
}

std::shared_ptr<RecentUsage> UsageTable::Find(std::string_view name, absl::Time now) {
  if (accounts_.size() >= sweep_at_) ForgetIdle(now);
  std::shared_ptr<RecentUsage>& account = accounts_[std::string(name)];
  if (account == nullptr) account = std::make_shared<RecentUsage>(++ids_);
  return account;
}

// First what has faded away, then, if those are still too many, all that nobody waits for.
void UsageTable::ForgetIdle(absl::Time now) {
  for (const bool faded_alone : {true, false}) {
    absl::erase_if(accounts_, [&](const auto& entry) {
      return entry.second.use_count() == 1 && (!faded_alone || entry.second->At(now) == 0);
    });
    if (accounts_.size() < kMaxIdle / 2) break;
  }
  sweep_at_ = std::max(kMaxIdle, 2 * accounts_.size());
}

}  // namespace fathom
