#include "adapters/profile_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace fathom::training {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Parsed<ProfileOptions> Parse(std::vector<std::string> extra) {
  const std::string file = testing::TempDir() + "/profile_options_test.tsv";
  std::ofstream(file) << "text\tlabel\n";
  std::vector<std::string> arguments = {
      "profile", "--encoder", testing::TempDir(), "--task", testing::TempDir(), "--data", file};
  arguments.insert(arguments.end(), extra.begin(), extra.end());
  std::vector<const char*> pointers;
  for (const std::string& argument : arguments) pointers.push_back(argument.c_str());
  return ParseProfileOptions(static_cast<int>(pointers.size()), pointers.data());
}

TEST(ProfileOptions, ReadsEveryChoice) {
  const auto parsed = Parse({"--labels", "no,yes", "--metric", "macro_f1", "--dry-run", "--json",
                             "a.json", "--plot", "a.svg", "--timing-rounds", "0"});
  ASSERT_TRUE(parsed.options.has_value()) << parsed.text;
  EXPECT_THAT(parsed.options->labels, ElementsAre("no", "yes"));
  EXPECT_EQ(parsed.options->metric, Metric::kMacroF1);
  EXPECT_TRUE(parsed.options->dry_run);
  EXPECT_EQ(parsed.options->timing_rounds, 0);
}

TEST(ProfileOptions, ErrorsNameTheFlag) {
  EXPECT_THAT(Parse({"--timing-rounds", "-1"}).text, HasSubstr("--timing-rounds"));
  EXPECT_THAT(Parse({"--data", "/no/such/file.tsv"}).text, HasSubstr("--data"));
  EXPECT_EQ(Parse({"--help"}).exit_code, 0);
}

}  // namespace
}  // namespace fathom::training
