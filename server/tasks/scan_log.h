// What loading and scanning did, for the log: names, versions and reasons.
#pragma once

#include "runtime/engine.h"

namespace fathom {

// One line a change; none for an empty report.
void LogScan(const ScanReport& report);

}  // namespace fathom
