// A configuration file in YAML: one map of settings, each a single value.
#pragma once

#include <string>
#include <vector>

namespace fathom {

struct ConfigEntry {
  std::string key;
  std::string value;  // as written, without quotes
  int line = 0;       // from 1
};

struct ConfigFile {
  std::vector<ConfigEntry> entries;  // what is well formed, in the order of the file
  std::vector<std::string> errors;   // all of them, as "PATH:LINE: what"
};

// Never throws. Files over 1 MiB are refused.
ConfigFile ReadConfigFile(const std::string& path);

}  // namespace fathom
