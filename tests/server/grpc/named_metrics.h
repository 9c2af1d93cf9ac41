// Which metrics the dashboard and the alerts name, for a test that a server exports them.
#pragma once

#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>

namespace fathom {

// The metric that a series belongs to: a histogram's series are named as the histogram.
inline std::string MetricOfSeries(std::string_view series) {
  for (const std::string_view unit : {"_seconds", "_ratio", "_rows", "_texts"}) {
    for (const std::string_view part : {"_bucket", "_sum", "_count"}) {
      const std::string ending = std::string(unit) + std::string(part);
      if (series.ends_with(ending)) series.remove_suffix(part.size());
    }
  }
  return std::string(series);
}

// The fathom_… names in a file of this project.
inline std::set<std::string> MetricsNamedIn(const std::string& path) {
  constexpr std::string_view kPrefix = "fathom_";
  std::ifstream file(std::string(FATHOM_SOURCE_DIR) + "/" + path);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  std::set<std::string> names;
  for (size_t begin = text.find(kPrefix); begin != std::string::npos;) {
    const size_t end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_", begin);
    names.insert(MetricOfSeries(std::string_view(text).substr(begin, end - begin)));
    begin = end == std::string::npos ? end : text.find(kPrefix, end);
  }
  return names;
}

}  // namespace fathom
