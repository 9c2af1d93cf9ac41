// How many threads a pass gets. A pure function.
#pragma once

#include "runtime/engine.h"

namespace fathom {

// For a pass about to start beside passes that hold `threads_in_use` threads. All of the engine's
// threads if nothing else runs or waits; else an equal share, as many as `engine.passes` passes can
// have at once; 0 if less than a share is free: then the pass waits, since threads that outnumber
// the cores slow every pass down.
constexpr int ThreadsOfPass(const Concurrency& engine, int threads_in_use, bool more_waits) {
  if (threads_in_use == 0 && !more_waits) return engine.threads;
  const int share = engine.threads >= engine.passes ? engine.threads / engine.passes : 1;
  return threads_in_use == 0 || threads_in_use + share <= engine.threads ? share : 0;
}

}  // namespace fathom
