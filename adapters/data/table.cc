#include "adapters/data/table.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "adapters/data/row_errors.h"
#include "runtime/file/mapped_file.h"
#include "runtime/text/utf8.h"

namespace fathom::training {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// A row as it stands in the file, or what is wrong with it.
struct RawRow {
  int line = 0;
  std::vector<std::string> cells;
  std::string error;
};

class TsvReader {
 public:
  explicit TsvReader(std::string_view bytes) : rest_(bytes) {}

  std::optional<RawRow> Next() {
    while (!rest_.empty()) {
      const size_t end = rest_.find('\n');
      std::string_view text = rest_.substr(0, end);
      rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
      ++line_;
      if (text.ends_with('\r')) text.remove_suffix(1);
      if (!text.empty()) return RawRow{line_, absl::StrSplit(std::string(text), '\t'), ""};
    }
    return std::nullopt;
  }

 private:
  std::string_view rest_;
  int line_ = 0;
};

class CsvReader {
 public:
  explicit CsvReader(std::string_view bytes) : bytes_(bytes) {}

  std::optional<RawRow> Next() {
    while (at_ < bytes_.size()) {
      RawRow row = ReadRow();
      const bool empty_line =
          row.error.empty() && row.cells.size() == 1 && row.cells.front().empty();
      if (!empty_line) return row;
    }
    return std::nullopt;
  }

 private:
  RawRow ReadRow() {
    RawRow row;
    row.line = line_;
    while (true) {
      const bool quoted = at_ < bytes_.size() && bytes_[at_] == '"';
      row.cells.push_back(quoted ? ReadQuoted(row.error) : ReadPlain(row.error));
      if (at_ < bytes_.size() && bytes_[at_] == ',') {
        ++at_;
        continue;
      }
      SkipLineEnd();
      return row;
    }
  }

  std::string ReadPlain(std::string& error) {
    const size_t end = std::min(bytes_.find_first_of(",\n", at_), bytes_.size());
    std::string_view cell = bytes_.substr(at_, end - at_);
    at_ = end;
    const bool ends_line = end == bytes_.size() || bytes_[end] == '\n';
    if (ends_line && cell.ends_with('\r')) cell.remove_suffix(1);
    if (cell.find('"') != std::string_view::npos)
      error = "a quote inside a cell that is not quoted";
    return std::string(cell);
  }

  std::string ReadQuoted(std::string& error) {
    std::string cell;
    for (++at_; at_ < bytes_.size(); ++at_) {
      if (bytes_[at_] == '"') {
        const bool escaped = at_ + 1 < bytes_.size() && bytes_[at_ + 1] == '"';
        if (!escaped) {
          ++at_;
          SkipAfterQuote(error);
          return cell;
        }
        ++at_;
      }
      if (bytes_[at_] == '\n') ++line_;
      cell += bytes_[at_];
    }
    error = "a quote that is never closed";
    return cell;
  }

  // After a closing quote only a comma or the end of the line may follow.
  void SkipAfterQuote(std::string& error) {
    const size_t end = std::min(bytes_.find_first_of(",\n", at_), bytes_.size());
    const std::string_view between = bytes_.substr(at_, end - at_);
    if (!between.empty() && between != "\r") error = "text after a closing quote";
    at_ = end;
  }

  void SkipLineEnd() {
    if (at_ < bytes_.size()) ++at_;
    ++line_;
  }

  std::string_view bytes_;
  size_t at_ = 0;
  int line_ = 1;
};

// What is wrong with a row, or an empty string.
std::string CheckRow(const RawRow& row, size_t columns) {
  if (!row.error.empty()) return row.error;
  if (row.cells.size() != columns) {
    return absl::StrCat(row.cells.size(), " cells, the header has ", columns);
  }
  for (size_t i = 0; i < row.cells.size(); ++i) {
    if (const std::optional<size_t> at = FirstInvalidUtf8(row.cells[i])) {
      return absl::StrCat("cell ", i + 1, " is not UTF-8 at its byte ", *at);
    }
  }
  return "";
}

absl::Status CheckHeader(const std::string& file, const RawRow& header) {
  const std::string problem = CheckRow(header, header.cells.size());
  if (!problem.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(file, ":", header.line, ": ", problem));
  }
  std::set<std::string> seen;
  for (const std::string& column : header.cells) {
    if (!seen.insert(column).second) {
      return absl::InvalidArgumentError(absl::StrCat(
          file, ":", header.line, ": two columns named '", column, "'; name each column once"));
    }
  }
  return absl::OkStatus();
}

template <typename Reader>
absl::StatusOr<Table> Collect(std::string file, Reader reader) {
  std::optional<RawRow> header = reader.Next();
  if (!header) {
    return absl::InvalidArgumentError(absl::StrCat(
        file, " is empty; its first line must name the columns, for example \"sentence\tlabel\""));
  }
  if (absl::Status status = CheckHeader(file, *header); !status.ok()) return status;

  Table table{file, std::move(header->cells), {}};
  RowErrors errors(file);
  while (std::optional<RawRow> row = reader.Next()) {
    const std::string problem = CheckRow(*row, table.columns.size());
    if (problem.empty()) {
      table.rows.push_back({row->line, std::move(row->cells)});
    } else {
      errors.Add(row->line, problem);
    }
  }
  if (!errors.empty()) return errors.ToStatus();
  if (table.rows.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(file, " has a header but no rows"));
  }
  return table;
}

}  // namespace

absl::StatusOr<Table> ParseTable(std::string file, std::string_view bytes, TableFormat format) {
  if (bytes.starts_with(kByteOrderMark)) bytes.remove_prefix(kByteOrderMark.size());
  if (format == TableFormat::kTsv) return Collect(std::move(file), TsvReader(bytes));
  return Collect(std::move(file), CsvReader(bytes));
}

absl::StatusOr<Table> ReadTable(const std::string& path) {
  const std::string lower = absl::AsciiStrToLower(path);
  const bool csv = lower.ends_with(".csv");
  if (!csv && !lower.ends_with(".tsv") && !lower.ends_with(".txt")) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": the name must end in .tsv, .txt (tabs) or .csv (commas)"));
  }
  const absl::StatusOr<std::string> bytes = ReadTextFile(path);
  if (!bytes.ok()) return bytes.status();
  return ParseTable(path, *bytes, csv ? TableFormat::kCsv : TableFormat::kTsv);
}

}  // namespace fathom::training
