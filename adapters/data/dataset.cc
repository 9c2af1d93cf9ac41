#include "adapters/data/dataset.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <optional>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "adapters/data/row_errors.h"

namespace fathom::training {
namespace {

using Candidates = std::initializer_list<const char*>;

std::optional<int> IndexOf(const Table& table, std::string_view name) {
  const auto found = std::find(table.columns.begin(), table.columns.end(), name);
  if (found == table.columns.end()) return std::nullopt;
  return static_cast<int>(found - table.columns.begin());
}

std::optional<int> IndexOfAny(const Table& table, Candidates candidates) {
  for (std::string_view name : candidates) {
    if (const std::optional<int> index = IndexOf(table, name)) return index;
  }
  return std::nullopt;
}

absl::Status NoColumn(const Table& table, const std::string& wanted, const char* flag) {
  return absl::InvalidArgumentError(
      absl::StrCat(table.file, ": no column ", wanted, "; its columns are ",
                   absl::StrJoin(table.columns, ", "), " (", flag, " names another)"));
}

struct ColumnQuery {
  const std::string& named;  // by the user; empty: one of the candidates
  Candidates candidates;
  const char* flag;
};

absl::StatusOr<int> FindColumn(const Table& table, const ColumnQuery& query) {
  if (!query.named.empty()) {
    if (const std::optional<int> index = IndexOf(table, query.named)) return *index;
    return NoColumn(table, absl::StrCat("'", query.named, "'"), query.flag);
  }
  if (const std::optional<int> index = IndexOfAny(table, query.candidates)) return *index;
  return NoColumn(table, absl::StrJoin(query.candidates, " or "), query.flag);
}

const std::string& Cell(const TableRow& row, int column) {
  return row.cells[static_cast<size_t>(column)];
}

std::string Trimmed(const std::string& cell) {
  return std::string(absl::StripAsciiWhitespace(cell));
}

// Puts the row's label or target into `example`; what is wrong, or an empty string.
std::string ReadTarget(const std::string& cell, const DatasetOptions& options, Example& example) {
  const std::string value = Trimmed(cell);
  if (value.empty()) return "no label";
  if (options.type == TaskType::kRegression) {
    if (!absl::SimpleAtof(value, &example.target) || !std::isfinite(example.target)) {
      return absl::StrCat("'", value, "' is not a number");
    }
    return "";
  }
  const auto found = std::find(options.labels.begin(), options.labels.end(), value);
  if (found == options.labels.end()) {
    return absl::StrCat("label '", value, "' is not one of ", options.labels_of, ": ",
                        absl::StrJoin(options.labels, ", "));
  }
  example.label = static_cast<int>(found - options.labels.begin());
  return "";
}

absl::Status ReadText(const TableRow& row, const Columns& columns, const Tokenizer& tokenizer,
                      int max_tokens, Example& example) {
  RawText text{Cell(row, columns.text), std::nullopt};
  if (columns.pair >= 0) text.second = Cell(row, columns.pair);
  if (Trimmed(std::string(text.first)).empty() ||
      (text.second && Trimmed(std::string(*text.second)).empty())) {
    return absl::InvalidArgumentError("the text is empty");
  }
  absl::StatusOr<TokenizedText> encoded =
      tokenizer.Encode(text, Truncation::kLongestFirst, max_tokens);
  if (!encoded.ok()) return encoded.status();
  example.text = *std::move(encoded);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Columns> FindColumns(const Table& table, const ColumnNames& names) {
  Columns columns;
  const absl::StatusOr<int> text =
      FindColumn(table, {names.text, {"sentence", "sentence1", "text"}, "--text-column"});
  if (!text.ok()) return text.status();
  columns.text = *text;

  const absl::StatusOr<int> label =
      FindColumn(table, {names.label, {"label", "category", "score"}, "--label-column"});
  if (!label.ok()) return label.status();
  columns.label = *label;

  if (!names.pair.empty()) {
    const absl::StatusOr<int> pair = FindColumn(table, {names.pair, {}, "--pair-column"});
    if (!pair.ok()) return pair.status();
    columns.pair = *pair;
  } else if (names.text.empty()) {
    columns.pair = IndexOf(table, "sentence2").value_or(-1);
  }
  return columns;
}

absl::StatusOr<std::vector<std::string>> CollectLabels(const Table& table, const Columns& columns) {
  std::set<std::string> distinct;
  RowErrors errors(table.file);
  for (const TableRow& row : table.rows) {
    const std::string label = Trimmed(Cell(row, columns.label));
    if (label.empty()) errors.Add(row.line, "no label");
    distinct.insert(label);
  }
  if (!errors.empty()) return errors.ToStatus();
  if (distinct.size() < 2) {
    return absl::InvalidArgumentError(absl::StrCat(table.file, ": every row has the label '",
                                                   *distinct.begin(),
                                                   "'; a classifier needs at least two"));
  }
  std::vector<std::string> labels(distinct.begin(), distinct.end());
  auto number = [](const std::string& label) {
    int64_t value = 0;
    return absl::SimpleAtoi(label, &value) ? std::optional<int64_t>(value) : std::nullopt;
  };
  if (std::all_of(labels.begin(), labels.end(), number)) {
    std::stable_sort(labels.begin(), labels.end(), [&](const std::string& a, const std::string& b) {
      return number(a) < number(b);
    });
  }
  return labels;
}

TaskType GuessTaskType(const Table& table, const Columns& columns) {
  return table.columns[static_cast<size_t>(columns.label)] == "score" ? TaskType::kRegression
                                                                      : TaskType::kClassification;
}

absl::StatusOr<Dataset> MakeDataset(const Table& table, const Columns& columns,
                                    const Tokenizer& tokenizer, const DatasetOptions& options) {
  Dataset dataset;
  dataset.file = table.file;
  dataset.type = options.type;
  dataset.labels = options.labels;
  dataset.examples.reserve(table.rows.size());
  RowErrors errors(table.file);
  for (const TableRow& row : table.rows) {
    Example example;
    const std::string problem = ReadTarget(Cell(row, columns.label), options, example);
    if (!problem.empty()) {
      errors.Add(row.line, problem);
      continue;
    }
    const absl::Status status = ReadText(row, columns, tokenizer, options.max_tokens, example);
    if (!status.ok()) {
      errors.Add(row.line, std::string(status.message()));
      continue;
    }
    if (example.text.truncated()) ++dataset.truncated;
    dataset.examples.push_back(std::move(example));
  }
  if (!errors.empty()) return errors.ToStatus();
  return dataset;
}

}  // namespace fathom::training
