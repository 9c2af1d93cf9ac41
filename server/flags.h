// The command line of fathom-server.
#pragma once

#include <optional>
#include <string>

#include "runtime/engine.h"
#include "server/grpc/server.h"

namespace fathom {

struct ServerFlags {
  EngineOptions engine;
  ServerOptions server;
  std::string log_format = "text";
  std::string port_file;  // empty: none
};

// Nothing, and the exit code in `exit_code`, if the program is to end: --help, --version (0), or a
// mistake that was told on the standard error (2).
std::optional<ServerFlags> ParseServerFlags(int argc, const char* const* argv, int* exit_code);

}  // namespace fathom
