#include "server/tasks/scan_log.h"

#include <spdlog/spdlog.h>

#include "absl/strings/escaping.h"

namespace fathom {

void LogScan(const ScanReport& report) {
  for (const TaskVersion& task : report.loaded) {
    spdlog::info("task {} version {} is loaded", task.name, task.version);
  }
  for (const TaskVersion& task : report.unloaded) {
    spdlog::info("task {} version {} is unloaded: its folder is gone", task.name, task.version);
  }
  for (const TaskInfo& task : report.refused) {
    // A reason may quote what a file holds.
    spdlog::warn("task {} version {} is refused: {}", task.name, task.version,
                 absl::Utf8SafeCEscape(task.load_status.ToString()));
  }
}

}  // namespace fathom
