#include "tests/bench/machine.h"

#include <malloc.h>

#include <cstdlib>

namespace fathom::bench {
double LoadAverage() {
  double load = 0;
  return getloadavg(&load, 1) == 1 ? load : 0;
}

int64_t HeapBytes() {
  const struct mallinfo2 info = ::mallinfo2();
  return static_cast<int64_t>(info.uordblks + info.hblkhd);
}

}  // namespace fathom::bench
