// Table: a TSV or CSV file with a header line, as text cells. What the cells mean is the Dataset's
// concern.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace fathom::training {

enum class TableFormat : unsigned char {
  kTsv,  // one row a line, tabs between cells, quotes are ordinary characters (as in GLUE)
  kCsv,  // RFC 4180: cells may be quoted, and then hold commas, line breaks and "" for a quote
};

struct TableRow {
  int line = 0;                    // where the row starts in the file, from 1
  std::vector<std::string> cells;  // as many as Table::columns
};

struct Table {
  std::string file;  // for messages
  std::vector<std::string> columns;
  std::vector<TableRow> rows;
};

// Empty lines are skipped, a byte order mark and the \r of \r\n too. INVALID_ARGUMENT names the
// file and the lines (the first few) that are not UTF-8, have another number of cells than the
// header or a wrong quote; and a file without a header, without rows, or with a column name twice.
absl::StatusOr<Table> ParseTable(std::string file, std::string_view bytes, TableFormat format);

// The format by the file's ending: .tsv or .txt, .csv. NOT_FOUND if it cannot be opened.
absl::StatusOr<Table> ReadTable(const std::string& path);

}  // namespace fathom::training
