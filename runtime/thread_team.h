// ThreadTeam: how many threads the calling thread's tensor work uses, and the cores they run on.
#pragma once

#include <vector>

namespace fathom {

// The cores that this process may use, in order.
std::vector<int> AllowedCores();

// LibTorch and OpenMP keep the number of threads, and a team of them, for each calling thread. A
// team that one worker has to itself need not be pinned; workers side by side are, each to cores of
// its own, so that their memory and caches stay near.
class ThreadTeam {
 public:
  // Worker `index` of `workers`, which share `cores`. One worker is not pinned.
  ThreadTeam(int index, int workers, std::vector<int> cores);

  // From now on the calling thread's tensor work uses `threads` threads: the worker's own cores
  // first, then those behind them, and so around. Cheap when the number stays, or goes between 1
  // and another.
  void Use(int threads) const;

 private:
  void Pin(int threads) const;

  const int first_;  // index of the worker's own first core
  const bool pinned_;
  const std::vector<int> cores_;
};

}  // namespace fathom
