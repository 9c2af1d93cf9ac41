// Settings: the values of a program's options, each from the command line, the environment or a
// file; what stands first in this order holds.
//
// --max-queue-tokens is FATHOM_MAX_QUEUE_TOKENS in the environment, where an empty value counts as
// none, and "max-queue-tokens" in the file.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

namespace fathom {

// One option, as it holds.
struct Setting {
  std::string name;    // without dashes: "max-queue-tokens"
  std::string value;   // as it would be written in the file
  std::string source;  // "--max-queue-tokens", "FATHOM_MAX_QUEUE_TOKENS", "PATH:LINE", "default"
};

struct ParsedSettings {
  std::optional<int> exit_code;     // --help or --version were answered on the standard output
  std::vector<Setting> settings;    // of all options but those below, in the order of definition
  std::vector<std::string> errors;  // all that is wrong, each with its place; empty: none
};

// Writes what `app`'s options are bound to. Adds --config FILE to them. `only_as_flags` names
// options that are taken from the command line alone and are no settings.
ParsedSettings ParseSettings(CLI::App& app, int argc, const char* const* argv,
                             const std::vector<std::string>& only_as_flags);

// "workers: 4  # FATHOM_WORKERS", a line a setting; a configuration file that says the same.
std::string SettingsAsYaml(const std::vector<Setting>& settings);

}  // namespace fathom
