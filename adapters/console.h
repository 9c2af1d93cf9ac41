// Where a command of fathom-train writes, and how it is told to stop.
#pragma once

#include <functional>
#include <iosfwd>

namespace fathom::training {

struct TrainConsole {
  std::ostream& progress;  // what is going on
  bool progress_is_terminal = false;
  std::ostream& result;                  // the depth curve
  std::function<bool()> stop_requested;  // asked after each step
};

}  // namespace fathom::training
