// What the command line of fathom-train, or of one of its subcommands, says.
#pragma once

#include <optional>
#include <string>

namespace fathom::training {

// What a parse ends with: options to run, or a text to print (help, or an error) and an exit code.
template <typename Options>
struct Parsed {
  std::optional<Options> options;
  std::string text;
  int exit_code = 0;
};

}  // namespace fathom::training
