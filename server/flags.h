// The configuration of fathom-server: command line, environment and file.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/engine.h"
#include "server/config/settings.h"
#include "server/grpc/server.h"

namespace fathom {

struct ServerFlags {
  EngineOptions engine;
  ServerOptions server;
  std::string log_format = "text";
  std::string log_level = "info";
  int drain_timeout_seconds = 30;
  std::string port_file;  // empty: none
  bool check_config = false;
  std::vector<Setting> settings;  // all of the above, as they hold. No secret is among them
};

// Nothing, and the exit code in `exit_code`, if the program is to end: --help, --version (0), or
// mistakes, all of which were told on the standard error (2; with --check-config 1).
std::optional<ServerFlags> ParseServerFlags(int argc, const char* const* argv, int* exit_code);

}  // namespace fathom
