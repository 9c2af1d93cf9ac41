// What `fathom` does: one function a sub-command. Each writes to the standard output, and returns
// the exit code: 0, or 1 with the server's error on the standard error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fathom {

struct ConnectionFlags {
  std::string address = "127.0.0.1:8500";
  double timeout_s = 60;  // of one call
  bool json = false;      // messages as JSON instead of a table
};

struct PredictFlags {
  std::vector<std::string> texts;
  std::vector<std::string> pair;  // second texts: one for each text, or none at all
  std::string file;  // one text a line, a tab before a second text; "-": standard input
  std::vector<std::string> tasks;
  bool all_tasks = false;
  std::vector<uint32_t> skip_layers;  // every task at each of them; none: the tasks' defaults
  bool allow_untrained_depth = false;
  uint32_t top_k = 0;
  bool logits = false;
};

int RunPredict(const ConnectionFlags& connection, const PredictFlags& flags);
int RunTasks(const ConnectionFlags& connection);
int RunInfo(const ConnectionFlags& connection);
int RunHealth(const ConnectionFlags& connection);  // 0 only if serving
int RunClearCache(const ConnectionFlags& admin);   // of the server's admin port

}  // namespace fathom
