#include "adapters/data/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fathom::training {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kVocab = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\ngood\nbad\nfilm\n";

std::unique_ptr<const Tokenizer> SmallTokenizer() {
  auto tokenizer = Tokenizer::FromBertVocab(kVocab, {});
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status();
  return *std::move(tokenizer);
}

Table Parse(std::string_view bytes) {
  auto table = ParseTable("f.tsv", bytes, TableFormat::kTsv);
  EXPECT_TRUE(table.ok()) << table.status();
  return *std::move(table);
}

absl::StatusOr<Dataset> Make(std::string_view bytes, const DatasetOptions& options) {
  const Table table = Parse(bytes);
  const auto columns = FindColumns(table, {});
  if (!columns.ok()) return columns.status();
  return MakeDataset(table, *columns, *SmallTokenizer(), options);
}

TEST(FindColumns, KnowsTheUsualNames) {
  const auto single = FindColumns(Parse("label\tsentence\n1\ta\n"), {});
  ASSERT_TRUE(single.ok());
  EXPECT_EQ(single->text, 1);
  EXPECT_EQ(single->pair, -1);
  EXPECT_EQ(single->label, 0);
  const auto pair = FindColumns(Parse("sentence1\tsentence2\tscore\na\tb\t1\n"), {});
  EXPECT_EQ(pair->pair, 1);
  EXPECT_EQ(pair->label, 2);
  EXPECT_TRUE(FindColumns(Parse("text\tcategory\na\tb\n"), {}).ok());
}

TEST(FindColumns, TakesNamesFromTheUser) {
  const Table table = Parse("title\tbody\tstars\tsentence2\na\tb\t1\tc\n");
  const auto columns = FindColumns(table, {"body", "title", "stars"});
  ASSERT_TRUE(columns.ok());
  EXPECT_EQ(columns->text, 1);
  EXPECT_EQ(columns->pair, 0);
  EXPECT_EQ(columns->label, 2);
  EXPECT_EQ(FindColumns(table, {"body", "", "stars"})->pair, -1) << "a text that is named is alone";
}

TEST(FindColumns, ErrorsNameWhatIsThere) {
  const auto missing = FindColumns(Parse("body\tstars\na\t1\n"), {});
  EXPECT_THAT(std::string(missing.status().message()),
              AllOf(HasSubstr("f.tsv"), HasSubstr("body, stars"), HasSubstr("--text-column")));
  const auto wrong = FindColumns(Parse("text\tlabel\na\t1\n"), {"", "", "stars"});
  EXPECT_THAT(std::string(wrong.status().message()),
              AllOf(HasSubstr("'stars'"), HasSubstr("--label-column")));
}

struct Labels {
  const char* title;
  std::string_view column;
  std::vector<std::string> expected;
};

TEST(CollectLabels, OrderDoesNotDependOnTheRows) {
  const Labels cases[] = {
      {"words", "spam ham spam eggs", {"eggs", "ham", "spam"}},
      {"numbers by value", "10 9 -1 2", {"-1", "2", "9", "10"}},
      {"mixed as words", "10 9 two", {"10", "9", "two"}},
  };
  for (const Labels& one : cases) {
    Table table{"f.tsv", {"text", "label"}, {}};
    std::string label;
    for (char c : std::string(one.column) + " ") {
      if (c == ' ') {
        table.rows.push_back({0, {"t", label}});
        label.clear();
      } else {
        label += c;
      }
    }
    EXPECT_EQ(*CollectLabels(table, {0, -1, 1}), one.expected) << one.title;
  }
}

TEST(CollectLabels, OneClassAndMissingLabelsAreErrors) {
  const auto one = CollectLabels(Parse("text\tlabel\na\tx\nb\tx\n"), {0, -1, 1});
  EXPECT_THAT(std::string(one.status().message()), HasSubstr("every row has the label 'x'"));
  const auto none = CollectLabels(Parse("text\tlabel\na\tx\nb\t \n"), {0, -1, 1});
  EXPECT_THAT(std::string(none.status().message()), HasSubstr("f.tsv:3: no label"));
}

TEST(GuessTaskType, AScoreIsANumber) {
  EXPECT_EQ(GuessTaskType(Parse("text\tscore\na\t1\n"), {0, -1, 1}), TaskType::kRegression);
  EXPECT_EQ(GuessTaskType(Parse("text\tlabel\na\t1\n"), {0, -1, 1}), TaskType::kClassification);
}

TEST(MakeDataset, TokenizesAndMapsLabels) {
  const auto data = Make("sentence\tlabel\ngood film\tyes\nbad\tno\n", {.labels = {"no", "yes"}});
  ASSERT_TRUE(data.ok()) << data.status();
  ASSERT_EQ(data->examples.size(), 2u);
  EXPECT_THAT(data->examples[0].text.ids, ElementsAre(2, 5, 7, 3));
  EXPECT_EQ(data->examples[0].label, 1);
  EXPECT_EQ(data->examples[1].label, 0);
  EXPECT_EQ(data->truncated, 0);
}

TEST(MakeDataset, PairsGetSegmentsAndLongTextsAreCut) {
  const auto data = Make("sentence1\tsentence2\tlabel\ngood\tbad film\tx\n",
                         {.labels = {"x", "y"}, .max_tokens = 5});
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_THAT(data->examples[0].text.segment_ids, ElementsAre(0, 0, 0, 1, 1));
  EXPECT_EQ(data->truncated, 1);
}

TEST(MakeDataset, TargetsAreAsInTheFile) {
  const auto data =
      Make("sentence\tscore\ngood\t4.750\nbad\t-1e2\n", {.type = TaskType::kRegression});
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_FLOAT_EQ(data->examples[0].target, 4.75f);
  EXPECT_FLOAT_EQ(data->examples[1].target, -100);
}

struct BadRow {
  const char* title;
  std::string_view bytes;
  TaskType type;
  const char* message;
};

TEST(MakeDataset, BadRowsAreNamedByFileAndLine) {
  const BadRow cases[] = {
      {"unknown label", "text\tlabel\na\tno\nb\tmaybe\n", TaskType::kClassification,
       "f.tsv:3: label 'maybe' is not one of the training file's: no, yes"},
      {"missing label", "text\tlabel\na\t\n", TaskType::kClassification, "f.tsv:2: no label"},
      {"not a number", "text\tscore\na\tfour\n", TaskType::kRegression,
       "f.tsv:2: 'four' is not a number"},
      {"half a number", "text\tscore\na\t4.5x\n", TaskType::kRegression, "is not a number"},
      {"infinite", "text\tscore\na\tinf\n", TaskType::kRegression, "'inf' is not a number"},
      {"empty text", "text\tlabel\n \tno\n", TaskType::kClassification,
       "f.tsv:2: the text is empty"},
      {"empty second text", "sentence1\tsentence2\tlabel\na\t\tno\n", TaskType::kClassification,
       "f.tsv:2: the text is empty"},
  };
  for (const BadRow& bad : cases) {
    DatasetOptions options{.type = bad.type};
    if (bad.type == TaskType::kClassification) options.labels = {"no", "yes"};
    const auto data = Make(bad.bytes, options);
    EXPECT_EQ(data.status().code(), absl::StatusCode::kInvalidArgument) << bad.title;
    EXPECT_THAT(std::string(data.status().message()), HasSubstr(bad.message)) << bad.title;
  }
}

}  // namespace
}  // namespace fathom::training
