#include "adapters/data/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace fathom::training {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(Table, TsvTakesQuotesAsTheyAre) {
  const auto table =
      ParseTable("a.tsv", "sentence\tlabel\nsay \"hi\t1\n\nbye\t0", TableFormat::kTsv);
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_THAT(table->columns, ElementsAre("sentence", "label"));
  ASSERT_EQ(table->rows.size(), 2u);
  EXPECT_THAT(table->rows[0].cells, ElementsAre("say \"hi", "1"));
  EXPECT_EQ(table->rows[1].line, 4);
}

TEST(Table, WindowsLineEndsAndByteOrderMarkAreDropped) {
  for (const auto format : {TableFormat::kTsv, TableFormat::kCsv}) {
    const std::string cell = format == TableFormat::kTsv ? "\t" : ",";
    const auto table =
        ParseTable("a", "\xEF\xBB\xBFtext" + cell + "label\r\na b" + cell + "1\r\n", format);
    ASSERT_TRUE(table.ok()) << table.status();
    EXPECT_THAT(table->columns, ElementsAre("text", "label"));
    EXPECT_THAT(table->rows[0].cells, ElementsAre("a b", "1"));
  }
}

TEST(Table, CsvFollowsRfc4180) {
  const auto table = ParseTable("a.csv",
                                "text,label\n"
                                "\"one, two\",1\n"
                                "\"a \"\"word\"\"\",0\n"
                                "\"two\nlines\",1\r\n"
                                "\n"
                                "plain,\n"
                                "\"\",\"0\"",
                                TableFormat::kCsv);
  ASSERT_TRUE(table.ok()) << table.status();
  ASSERT_EQ(table->rows.size(), 5u);
  EXPECT_THAT(table->rows[0].cells, ElementsAre("one, two", "1"));
  EXPECT_THAT(table->rows[1].cells, ElementsAre("a \"word\"", "0"));
  EXPECT_THAT(table->rows[2].cells, ElementsAre("two\nlines", "1"));
  EXPECT_THAT(table->rows[3].cells, ElementsAre("plain", ""));
  EXPECT_EQ(table->rows[3].line, 7) << "a quoted line break counts";
  EXPECT_THAT(table->rows[4].cells, ElementsAre("", "0"));
}

struct Bad {
  const char* title;
  TableFormat format;
  std::string_view bytes;
  const char* message;
};

TEST(Table, BadFilesAreNamedByFileAndLine) {
  const Bad cases[] = {
      {"nothing", TableFormat::kTsv, "", "f is empty"},
      {"no rows", TableFormat::kTsv, "text\tlabel\n\n", "header but no rows"},
      {"a column twice", TableFormat::kTsv, "text\ttext\na\tb\n", "f:1: two columns named 'text'"},
      {"a missing cell", TableFormat::kTsv, "text\tlabel\na\t1\nb\n",
       "f:3: 1 cells, the header has 2"},
      {"a cell too many", TableFormat::kCsv, "text,label\na,b,1\n",
       "f:2: 3 cells, the header has 2"},
      {"not UTF-8", TableFormat::kTsv, "text\tlabel\nab\xFF\t1\n",
       "f:2: cell 1 is not UTF-8 at its byte 2"},
      {"not UTF-8 in the header", TableFormat::kTsv, "te\xFFxt\tlabel\n",
       "f:1: cell 1 is not UTF-8"},
      {"an open quote", TableFormat::kCsv, "text,label\n\"a,1\nb,0\n",
       "f:2: a quote that is never"},
      {"a stray quote", TableFormat::kCsv, "text,label\na\"b,1\n", "f:2: a quote inside a cell"},
      {"text after a quote", TableFormat::kCsv, "text,label\n\"a\"b,1\n",
       "f:2: text after a closing quote"},
  };
  for (const Bad& bad : cases) {
    const auto table = ParseTable("f", bad.bytes, bad.format);
    EXPECT_EQ(table.status().code(), absl::StatusCode::kInvalidArgument) << bad.title;
    EXPECT_THAT(std::string(table.status().message()), HasSubstr(bad.message)) << bad.title;
  }
}

TEST(Table, ShowsTheFirstBadRowsAndCountsTheRest) {
  std::string bytes = "text\tlabel\n";
  for (int i = 0; i < 9; ++i) bytes += "no label\n";
  const std::string message(ParseTable("f", bytes, TableFormat::kTsv).status().message());
  EXPECT_THAT(message, AllOf(HasSubstr("f:6:"), Not(HasSubstr("f:7:")), HasSubstr("4 more bad")));
}

TEST(Table, FormatComesFromTheName) {
  const std::string csv = testing::TempDir() + "/table_test.csv";
  std::ofstream(csv) << "text,label\n\"a,b\",1\n";
  const auto table = ReadTable(csv);
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_THAT(table->rows[0].cells, ElementsAre("a,b", "1"));

  EXPECT_EQ(ReadTable("x.parquet").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReadTable(testing::TempDir() + "/absent.tsv").status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace fathom::training
