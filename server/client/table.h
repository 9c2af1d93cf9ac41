// Table: text in columns, for a terminal.
#pragma once

#include <string>
#include <vector>

namespace fathom {

class Table {
 public:
  explicit Table(std::vector<std::string> header) : rows_{std::move(header)} {}

  // As many cells as the header has.
  void AddRow(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

  // Columns are two spaces apart and as wide as their widest cell; no spaces end a line.
  std::string ToString() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// `text` for a terminal: control characters, which could steer it, become spaces, and what is
// longer than `max_characters` is cut with an ellipsis.
std::string OneLine(const std::string& text, size_t max_characters);

// A bar of ten cells for a share of 0 … 1.
std::string Bar(double share);

}  // namespace fathom
