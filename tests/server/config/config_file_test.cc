#include "server/config/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

namespace fathom {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ConfigFileTest : public ::testing::Test {
 protected:
  ConfigFile Read(const std::string& text) {
    std::ofstream(path_, std::ios::binary) << text;
    return ReadConfigFile(path_);
  }
  void TearDown() override { std::remove(path_.c_str()); }

  const std::string path_ =
      testing::TempDir() + "fathom_config_" + std::to_string(getpid()) + ".yaml";
};

TEST_F(ConfigFileTest, GivesKeysValuesAndLines) {
  const ConfigFile file = Read("# of the east site\n\nworkers: 4\nlisten: \"[::]:8500\"\n");
  EXPECT_THAT(file.errors, IsEmpty());
  ASSERT_EQ(file.entries.size(), 2U);
  EXPECT_EQ(file.entries[0].key, "workers");
  EXPECT_EQ(file.entries[0].value, "4");
  EXPECT_EQ(file.entries[0].line, 3);
  EXPECT_EQ(file.entries[1].value, "[::]:8500");
  EXPECT_EQ(file.entries[1].line, 4);
}

TEST_F(ConfigFileTest, AnEmptyFileIsNoMistake) {
  EXPECT_THAT(Read("").errors, IsEmpty());
  EXPECT_THAT(Read("# nothing\n").errors, IsEmpty());
}

TEST_F(ConfigFileTest, TellsEveryEntryThatIsNotASingleValue) {
  const ConfigFile file = Read("a: 1\nb: [1]\nc: {d: 1}\ne:\na: 2\n[f, g]: 1\n");
  EXPECT_EQ(file.entries.size(), 1U);
  EXPECT_THAT(file.errors,
              ElementsAre(HasSubstr(":2: b must be a single value"), HasSubstr(":3: c must be"),
                          HasSubstr(":4: e has no value"), HasSubstr(":5: a is given twice"),
                          HasSubstr(":6: a key must be a single name")));
}

TEST_F(ConfigFileTest, WhatIsNoMapOrNoYamlIsTold) {
  EXPECT_THAT(Read("- workers\n").errors, ElementsAre(HasSubstr(":1: not a map")));
  EXPECT_THAT(Read("workers: 4\nlisten: \"open\nx").errors, ElementsAre(HasSubstr("not YAML: ")));
  EXPECT_THAT(Read("a: *nowhere\n").errors, ElementsAre(HasSubstr(":1: not YAML: ")));
}

TEST_F(ConfigFileTest, HostileFilesEndInAnError) {
  EXPECT_FALSE(Read(std::string(100'000, '[')).errors.empty());
  EXPECT_FALSE(Read(std::string(100'000, '{')).errors.empty());
  EXPECT_FALSE(Read(std::string("a: \0\xff\xfe", 6)).errors.empty());
  EXPECT_THAT(Read(std::string((1 << 20) + 1, 'a')).errors,
              ElementsAre(HasSubstr("over 1048576 bytes")));
}

TEST_F(ConfigFileTest, AFileThatCannotBeReadIsTold) {
  EXPECT_THAT(ReadConfigFile("/no/such/file").errors, ElementsAre("/no/such/file: cannot be read"));
  EXPECT_THAT(ReadConfigFile("/").errors, ElementsAre("/: cannot be read"));
}

}  // namespace
}  // namespace fathom
