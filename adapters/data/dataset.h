// Dataset: the tokenised texts of a table with their targets.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "adapters/data/table.h"
#include "runtime/text/tokenizer.h"

namespace fathom::training {

enum class TaskType : unsigned char { kClassification, kRegression };

// Which column is what. An empty name is looked for among the usual ones: "sentence", "sentence1"
// or "text"; "label", "category" or "score"; and, where the text column was not named either,
// "sentence2" if it is there.
struct ColumnNames {
  std::string text;
  std::string pair;
  std::string label;
};

// The columns found in a table: indices into TableRow::cells.
struct Columns {
  int text = 0;
  int pair = -1;  // -1: single texts
  int label = 0;
};

// INVALID_ARGUMENT names the file, what was looked for and the columns that are there.
absl::StatusOr<Columns> FindColumns(const Table& table, const ColumnNames& names);

// The distinct labels of a table: in numeric order if all are integers, in byte order otherwise.
// INVALID_ARGUMENT if there is a row without a label, or only one label.
absl::StatusOr<std::vector<std::string>> CollectLabels(const Table& table, const Columns& columns);

// A column named "score" is a regression target unless the caller says otherwise.
TaskType GuessTaskType(const Table& table, const Columns& columns);

struct Example {
  TokenizedText text;
  int label = 0;     // index into Dataset::labels; 0 in regression
  float target = 0;  // regression: the number as it is in the file
};

struct Dataset {
  std::string file;
  TaskType type = TaskType::kClassification;
  std::vector<std::string> labels;  // [C]; empty in regression
  std::vector<Example> examples;
  int truncated = 0;  // texts that were longer than the limit

  int classes() const { return static_cast<int>(labels.size()); }
};

struct DatasetOptions {
  TaskType type = TaskType::kClassification;
  std::vector<std::string> labels;                // a label outside is an error
  const char* labels_of = "the training file's";  // for that message
  int max_tokens = 128;
};

// Pairs are truncated longest first. INVALID_ARGUMENT names file and line of the rows (the first
// few) with an empty text, a missing or unknown label, or a target that is not a finite number.
absl::StatusOr<Dataset> MakeDataset(const Table& table, const Columns& columns,
                                    const Tokenizer& tokenizer, const DatasetOptions& options);

}  // namespace fathom::training
