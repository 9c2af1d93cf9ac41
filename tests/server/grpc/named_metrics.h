// Which metrics the dashboard and the alerts name, for a test that a server exports them.
#pragma once

#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

namespace fathom {

// Names in a file of this project. A histogram's series are named as the histogram.
inline std::set<std::string> MetricsNamedIn(const std::string& path) {
  std::ifstream file(std::string(FATHOM_SOURCE_DIR) + "/" + path);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  static const std::regex name("fathom_[a-z0-9_]+");
  static const std::regex series("(_seconds|_ratio|_rows|_texts)_(bucket|sum|count)$");
  std::set<std::string> names;
  for (std::sregex_iterator it(text.begin(), text.end(), name), end; it != end; ++it) {
    names.insert(std::regex_replace(it->str(), series, "$1"));
  }
  return names;
}

}  // namespace fathom
