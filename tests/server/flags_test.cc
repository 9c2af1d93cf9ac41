#include "server/flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace fathom {
namespace {

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

}  // namespace
}  // namespace fathom
