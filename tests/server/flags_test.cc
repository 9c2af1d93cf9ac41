#include "server/flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

namespace fathom {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::optional<ServerFlags> Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), {"fathom-server", "--encoder", "e"});
  int exit_code = 0;
  auto flags = ParseServerFlags(static_cast<int>(arguments.size()), arguments.data(), &exit_code);
  EXPECT_EQ(exit_code, flags ? 0 : 2);
  return flags;
}

TEST(ServerFlags, DefaultsAreTheEnginesOwn) {
  const auto flags = Parse({});
  ASSERT_TRUE(flags);
  const EngineOptions defaults;
  EXPECT_EQ(flags->engine.caches.tap_bytes, defaults.caches.tap_bytes);
  EXPECT_EQ(flags->engine.caches.bf16_taps, defaults.caches.bf16_taps);
  EXPECT_EQ(flags->engine.caches.answer_bytes, defaults.caches.answer_bytes);
  EXPECT_EQ(flags->engine.adapter_bytes, defaults.adapter_bytes);
  EXPECT_EQ(flags->engine.calibration_dir, defaults.calibration_dir);
  EXPECT_EQ(flags->engine.precision, defaults.precision);
  EXPECT_EQ(flags->engine.workers, defaults.workers);
  EXPECT_EQ(flags->engine.threads, defaults.threads);
  EXPECT_EQ(flags->server.admin_listen, "");
}

TEST(ServerFlags, CachesAreGivenInMegabytes) {
  const auto flags = Parse({"--tap-cache-mb", "0", "--answer-cache-mb", "4096", "--bf16-taps",
                            "--adapter-cache-mb", "8"});
  ASSERT_TRUE(flags);
  EXPECT_EQ(flags->engine.caches.tap_bytes, 0);
  EXPECT_EQ(flags->engine.caches.answer_bytes, int64_t{4096} << 20);
  EXPECT_TRUE(flags->engine.caches.bf16_taps);
  EXPECT_EQ(flags->engine.adapter_bytes, int64_t{8} << 20);
  EXPECT_FALSE(Parse({"--tap-cache-mb", "-1"}));
  EXPECT_FALSE(Parse({"--adapter-cache-mb", "0"}));
}

TEST(ServerFlags, ThreadsAreOfAllWorkersOrOfEach) {
  const auto all = Parse({"--workers", "4", "--threads", "8"});
  ASSERT_TRUE(all);
  EXPECT_EQ(all->engine.workers, 4);
  EXPECT_EQ(all->engine.threads, 8);
  const auto each = Parse({"--threads-per-worker", "3", "--workers", "4"});
  ASSERT_TRUE(each);
  EXPECT_EQ(each->engine.threads, 12);
  EXPECT_FALSE(Parse({"--threads-per-worker", "3", "--threads", "8"}));
  EXPECT_FALSE(Parse({"--workers", "0"}));
}

TEST(ServerFlags, PrecisionIsOneOfThree) {
  EXPECT_EQ(Parse({"--precision", "fp32"})->engine.precision, Precision::kFp32);
  EXPECT_EQ(Parse({"--precision", "bf16"})->engine.precision, Precision::kBf16);
  EXPECT_EQ(Parse({"--precision", "auto"})->engine.precision, Precision::kAuto);
  EXPECT_FALSE(Parse({"--precision", "int8"}));
}

TEST(ServerFlags, ComeFromTheEnvironmentToo) {
  setenv("FATHOM_TAP_CACHE_MB", "7", 1);
  setenv("FATHOM_BF16_TAPS", "true", 1);
  setenv("FATHOM_ADMIN_LISTEN", "127.0.0.1:9500", 1);
  const auto flags = Parse({});
  unsetenv("FATHOM_TAP_CACHE_MB");
  unsetenv("FATHOM_BF16_TAPS");
  unsetenv("FATHOM_ADMIN_LISTEN");
  ASSERT_TRUE(flags);
  EXPECT_EQ(flags->engine.caches.tap_bytes, int64_t{7} << 20);
  EXPECT_TRUE(flags->engine.caches.bf16_taps);
  EXPECT_EQ(flags->server.admin_listen, "127.0.0.1:9500");
}

// A file of these lines, in a folder that is gone with the test.
class ConfigFileFlags : public ::testing::Test {
 protected:
  const char* Write(const std::string& text) {
    std::ofstream(path_) << text;
    return path_.c_str();
  }
  void TearDown() override { std::remove(path_.c_str()); }

  // What ParseServerFlags says of a mistake, as the whole command line.
  std::string Complaint(std::vector<const char*> arguments, int expected_exit_code = 2) {
    arguments.insert(arguments.begin(), "fathom-server");
    testing::internal::CaptureStderr();
    int exit_code = 0;
    const auto flags =
        ParseServerFlags(static_cast<int>(arguments.size()), arguments.data(), &exit_code);
    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_FALSE(flags);
    EXPECT_EQ(exit_code, expected_exit_code);
    return said;
  }

  const std::string path_ =
      testing::TempDir() + "fathom_flags_" + std::to_string(getpid()) + ".yaml";
};

Setting Find(const ServerFlags& flags, const std::string& name) {
  for (const Setting& setting : flags.settings) {
    if (setting.name == name) return setting;
  }
  ADD_FAILURE() << "no setting " << name;
  return {};
}

TEST_F(ConfigFileFlags, AFlagGoesBeforeTheEnvironmentAndThatBeforeTheFile) {
  const char* const file = Write(
      "tap-cache-mb: 1\nanswer-cache-mb: 2\nworkers: 3\nbf16-taps: true\n"
      "metrics-listen: \"\"\nquality-floor: 0.9\n");
  setenv("FATHOM_TAP_CACHE_MB", "10", 1);
  setenv("FATHOM_ANSWER_CACHE_MB", "20", 1);
  const auto flags = Parse({"--config", file, "--tap-cache-mb", "100"});
  unsetenv("FATHOM_TAP_CACHE_MB");
  unsetenv("FATHOM_ANSWER_CACHE_MB");
  ASSERT_TRUE(flags);
  EXPECT_EQ(flags->engine.caches.tap_bytes, int64_t{100} << 20);
  EXPECT_EQ(flags->engine.caches.answer_bytes, int64_t{20} << 20);
  EXPECT_EQ(flags->engine.workers, 3);
  EXPECT_TRUE(flags->engine.caches.bf16_taps);
  EXPECT_EQ(flags->server.metrics_listen, "");
  EXPECT_EQ(flags->server.depth.quality_floor, 0.9);
  EXPECT_EQ(Find(*flags, "tap-cache-mb").source, "--tap-cache-mb");
  EXPECT_EQ(Find(*flags, "answer-cache-mb").source, "FATHOM_ANSWER_CACHE_MB");
  EXPECT_EQ(Find(*flags, "workers").source, path_ + ":3");
  EXPECT_EQ(Find(*flags, "workers").value, "3");
  EXPECT_EQ(Find(*flags, "listen").source, "default");
  EXPECT_EQ(Find(*flags, "listen").value, "127.0.0.1:8500");
}

TEST_F(ConfigFileFlags, TheFileCanBeNamedInTheEnvironment) {
  setenv("FATHOM_CONFIG", Write("workers: 5\n"), 1);
  const auto flags = Parse({});
  unsetenv("FATHOM_CONFIG");
  ASSERT_TRUE(flags);
  EXPECT_EQ(flags->engine.workers, 5);
}

TEST_F(ConfigFileFlags, EveryMistakeIsToldAtOnceWithItsPlace) {
  const char* const file = Write(
      "workers: many\n"
      "quality-floor: .nan\n"
      "no-such-key: 1\n"
      "bf16-taps: 7\n"
      "check-config: true\n"
      "shadow-ratio: [0.1, 0.2]\n");
  setenv("FATHOM_LOG_FORMAT", "xml", 1);
  const std::string said = Complaint({"--config", file, "--tap-cache-mb", "-1", "--no-such-flag",
                                      "--listen", "8500", "--max-queue-tokens", "10"});
  unsetenv("FATHOM_LOG_FORMAT");
  EXPECT_THAT(said, HasSubstr("12 mistakes"));
  EXPECT_THAT(said, HasSubstr("  --tap-cache-mb: Value -1 not in range"));
  EXPECT_THAT(said, HasSubstr("unknown arguments: --no-such-flag"));
  EXPECT_THAT(said, HasSubstr("--listen: Value 8500 is not HOST:PORT"));
  EXPECT_THAT(said, HasSubstr("FATHOM_LOG_FORMAT: --log-format: xml not in {text,json}"));
  EXPECT_THAT(said, HasSubstr(path_ + ":1: --workers: Value many not in range"));
  EXPECT_THAT(said, HasSubstr(path_ + ":2: --quality-floor: Value .nan not in range [0 - 1]"));
  EXPECT_THAT(said, HasSubstr(path_ + ":3: unknown key no-such-key"));
  EXPECT_THAT(said, HasSubstr(path_ + ":4: --bf16-taps is true or false, not 7"));
  EXPECT_THAT(said, HasSubstr(path_ + ":5: unknown key check-config"));
  EXPECT_THAT(said, HasSubstr(path_ + ":6: shadow-ratio must be a single value"));
  EXPECT_THAT(said, HasSubstr("--encoder is required"));
}

TEST_F(ConfigFileFlags, WhatExcludesEachOtherIsToldWithBothPlaces) {
  const std::string said =
      Complaint({"--encoder", "e", "--threads", "2", "--config", Write("threads-per-worker: 3\n")});
  EXPECT_THAT(said, HasSubstr("1 mistake in"));
  EXPECT_THAT(said,
              HasSubstr("--threads and --threads-per-worker (" + path_ + ":1) exclude each other"));
}

TEST_F(ConfigFileFlags, LimitsThatCannotWorkTogetherAreToldBeforeAnythingIsLoaded) {
  EXPECT_THAT(Complaint({"--encoder", "e", "--max-queue-tokens", "10"}),
              HasSubstr("--max-queue-tokens is 10; it must be at least --max-batch-tokens, 4096"));
}

TEST_F(ConfigFileFlags, CheckConfigEndsWithOneIfThereIsAMistake) {
  EXPECT_THAT(Complaint({"--check-config", "--workers", "0"}, 1),
              AllOf(HasSubstr("--workers: Value 0"), HasSubstr("--encoder is required")));
  EXPECT_TRUE(Parse({"--check-config"})->check_config);
  EXPECT_FALSE(Parse({})->check_config);
}

TEST_F(ConfigFileFlags, HelpNamesTheEnvironmentWhateverElseIsWrong) {
  testing::internal::CaptureStdout();
  int exit_code = 1;
  const std::vector<const char*> arguments = {"fathom-server", "--workers", "0", "--help"};
  EXPECT_FALSE(ParseServerFlags(4, arguments.data(), &exit_code));
  const std::string help = testing::internal::GetCapturedStdout();
  EXPECT_EQ(exit_code, 0);
  EXPECT_THAT(help, AllOf(HasSubstr("--max-queue-tokens"), HasSubstr("FATHOM_MAX_QUEUE_TOKENS"),
                          HasSubstr("FATHOM_CONFIG"), Not(HasSubstr("FATHOM_CHECK_CONFIG"))));
}

TEST_F(ConfigFileFlags, VersionIsToldWhateverElseIsWrong) {
  testing::internal::CaptureStdout();
  int exit_code = 1;
  const std::vector<const char*> arguments = {"fathom-server", "--workers", "0", "--version"};
  EXPECT_FALSE(ParseServerFlags(4, arguments.data(), &exit_code));
  EXPECT_EQ(testing::internal::GetCapturedStdout(),
            std::string("fathom-server ") + FATHOM_VERSION + "\n");
  EXPECT_EQ(exit_code, 0);
}

TEST_F(ConfigFileFlags, AValueThatIsMissingIsTold) {
  EXPECT_THAT(Complaint({"--encoder", "e", "--workers"}), HasSubstr("--workers: 1 required"));
  EXPECT_THAT(Complaint({"--encoder", "e", "--workers", "1", "--workers", "2"}),
              HasSubstr("--workers"));
}

TEST_F(ConfigFileFlags, SettingsAsYamlAreAFileThatSaysTheSame) {
  const auto flags = Parse({"--workers", "4", "--adapters", "a folder: with # in it"});
  ASSERT_TRUE(flags);
  const std::string yaml = SettingsAsYaml(flags->settings);
  EXPECT_THAT(yaml, AllOf(HasSubstr("workers: 4  # --workers\n"),
                          HasSubstr("admin-listen: \"\"  # default\n"), Not(HasSubstr("config"))));
  // What excludes another setting cannot stand in a file with it.
  const char* const line = "threads-per-worker: 0  # default\n";
  std::string rest = yaml;
  rest.erase(rest.find(line), std::string(line).size());
  int exit_code = 0;
  const std::vector<const char*> arguments = {"fathom-server", "--config", Write(rest)};
  const auto again = ParseServerFlags(3, arguments.data(), &exit_code);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->engine.workers, 4);
  EXPECT_EQ(again->engine.tasks_dir, "a folder: with # in it");
  EXPECT_EQ(again->server.admin_listen, "");
}

}  // namespace
}  // namespace fathom
