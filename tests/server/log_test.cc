#include "server/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

namespace fathom {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

template <typename Function>
std::string LogOf(const LogOptions& options, const Function& function) {
  testing::internal::CaptureStderr();
  InitLog(options);
  function();
  spdlog::default_logger()->flush();
  return testing::internal::GetCapturedStderr();
}

TEST(Log, AnEventsFieldsAreMembersOfTheJson) {
  const std::string line = LogOf({.format = "json"}, [] {
    LogEvent(spdlog::level::warn, "slow \"call\"",
             {LogField::Text("request_id", "a\"\n\xff"), LogField::Number("total_ms", 1.5)});
  });
  const auto json = nlohmann::json::parse(line);
  EXPECT_EQ(json["level"], "warning");
  EXPECT_EQ(json["message"], "slow \"call\"");
  EXPECT_EQ(json["request_id"], "a\"\n\xef\xbf\xbd");
  EXPECT_EQ(json["total_ms"], 1.5);
  EXPECT_THAT(json["time"].get<std::string>(), EndsWith("Z"));
}

TEST(Log, AnEventsFieldsFollowTheTextAndStayInItsLine) {
  const std::string line = LogOf({}, [] {
    LogEvent(spdlog::level::info, "setting",
             {LogField::Text("name", "listen"), LogField::Text("value", "a b\nfake line"),
              LogField::Number("n", 3)});
  });
  EXPECT_THAT(line, EndsWith("setting name=listen value=\"a b\\nfake line\" n=3\n"));
}

TEST(Log, FieldsEndWithTheirEvent) {
  const std::string lines = LogOf({.format = "json"}, [] {
    LogEvent(spdlog::level::info, "first", {LogField::Text("a", "b")});
    spdlog::info("second");
  });
  const auto second = nlohmann::json::parse(lines.substr(lines.find('\n')));
  EXPECT_EQ(second["message"], "second");
  EXPECT_FALSE(second.contains("a"));
}

TEST(Log, LinesBelowTheLevelAreNotWritten) {
  EXPECT_THAT(LogOf({.level = "warn"},
                    [] {
                      spdlog::info("a");
                      LogEvent(spdlog::level::info, "b", {});
                    }),
              IsEmpty());
  EXPECT_THAT(LogOf({.level = "debug"}, [] { spdlog::debug("c"); }), HasSubstr("c\n"));
}

}  // namespace
}  // namespace fathom
