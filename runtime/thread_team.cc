#include "runtime/thread_team.h"

#include <ATen/Parallel.h>
#include <sched.h>

#include <utility>

namespace fathom {
namespace {

// A core that is gone since the start is no error: the thread then runs where it may.
void PinThisThread(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<size_t>(core), &set);
  sched_setaffinity(0, sizeof(set), &set);
}

}  // namespace

std::vector<int> AllowedCores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cores;
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return cores;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(static_cast<size_t>(core), &set)) cores.push_back(core);
  }
  return cores;
}

ThreadTeam::ThreadTeam(int index, int workers, std::vector<int> cores)
    : first_(static_cast<int>(cores.size()) * index / workers),
      pinned_(workers > 1 && !cores.empty()),
      cores_(std::move(cores)) {}

void ThreadTeam::Use(int threads) const {
  thread_local int in_use = 0;
  thread_local int most_pinned = 0;
  if (threads == in_use) return;
  if (in_use == 0) at::init_num_threads();
  at::set_num_threads(threads);
  in_use = threads;
  if (!pinned_ || threads <= most_pinned) return;
  Pin(threads);
  most_pinned = threads;
}

// OpenMP keeps a team's threads, so that each index of a loop over as many goes to a thread of its
// own, the first to the caller.
void ThreadTeam::Pin(int threads) const {
  at::parallel_for(0, threads, 1, [&](int64_t begin, int64_t /*end*/) {
    const auto core = static_cast<size_t>(first_ + begin) % cores_.size();
    PinThisThread(cores_[core]);
  });
}

}  // namespace fathom
