// `fathom load`, the real program, against a server in this process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/server/grpc/server_fixture.h"
#include "tests/support/process.h"

namespace fathom {
namespace {

using ::testing::HasSubstr;

class LoadTest : public ServerTest {
 protected:
  Finished Load(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(),
                     {FATHOM_CLIENT, "load", "--warm-up", "0", "--words", "1-8"});
    return RunProcess(arguments, {"FATHOM_ADDRESS=" + address()});
  }

  nlohmann::json LoadJson(std::vector<std::string> arguments) const {
    arguments.emplace_back("--json");
    const Finished run = Load(std::move(arguments));
    EXPECT_EQ(run.exit_code, 0) << run.error;
    return nlohmann::json::parse(run.output);
  }
};

TEST_F(LoadTest, AClosedLoopCountsEveryAnswer) {
  Start();
  const auto result = LoadJson({"--mix", "mood,topic@4:1;likeness:1", "--concurrency", "3",
                                "--duration", "0.2", "--connections", "2", "--inputs", "2"});
  const int64_t calls = result["calls"];
  EXPECT_GT(calls, 6);
  EXPECT_EQ(result["latency"]["OK"]["count"], calls);
  EXPECT_EQ(result["late"], 0);
  EXPECT_EQ(result["without_reason"], 0);
  EXPECT_TRUE(result["reasons"].empty());
  const int64_t topics = result["n"]["topic"]["4"];
  EXPECT_EQ(result["n"]["mood"]["0"], topics);
  EXPECT_EQ(result["answers"], 2 * topics + result["n"]["likeness"]["0"].get<int64_t>());
  EXPECT_EQ(result["depth_reasons"]["EXACT"], topics);
  EXPECT_GT(result["usage"]["row_layers_run"], 0);
  EXPECT_GT(result["latency"]["OK"]["p50_ms"], 0);
}

TEST_F(LoadTest, AnOpenLoopSendsWhatItsScheduleHas) {
  Start();
  const auto result = LoadJson({"--mix", "mood", "--rate", "200", "--duration", "0.5"});
  const auto again = LoadJson({"--mix", "mood", "--rate", "200", "--duration", "0.5"});
  EXPECT_NEAR(result["calls"].get<int>(), 100, 40);
  EXPECT_EQ(again["calls"], result["calls"]);  // the seed's
  EXPECT_EQ(result["unsent"], 0);
}

// More calls than one at a time can do: those that had to wait count from when they were due.
TEST_F(LoadTest, CallsThatMustWaitCountFromWhenTheyWereDue) {
  Start();
  const auto result = LoadJson({"--mix", "mood", "--rate", "50000", "--duration", "0.02",
                                "--max-in-flight", "1", "--late-ms", "1"});
  const int64_t calls = result["calls"];
  EXPECT_NEAR(static_cast<double>(calls), 1000, 150);
  EXPECT_GT(result["late"], calls / 2);
  const double sent_to_answer_ms = result["overhead"]["p50_ms"];
  EXPECT_GT(result["latency"]["OK"]["p50_ms"], 10 * sent_to_answer_ms);
}

// A server that does not answer: the run ends, and says how much of the schedule it left out.
TEST_F(LoadTest, WhatCannotBeSentIsGivenUpAndCounted) {
  Start();
  engine_->Hold();
  Process run({FATHOM_CLIENT, "load", "--address", address(), "--json", "--timeout", "0.2", "--mix",
               "mood", "--rate", "1000", "--warm-up", "0", "--duration", "0.2", "--max-in-flight",
               "1", "--words", "1-8"});
  EXPECT_EQ(run.Wait(), 1);  // nothing was answered
  engine_->Release();
  const auto result = nlohmann::json::parse(run.output());
  const int64_t sent = result["calls"];
  EXPECT_EQ(result["latency"]["DEADLINE_EXCEEDED"]["count"], sent);
  EXPECT_LE(sent, 3);
  EXPECT_NEAR(static_cast<double>(sent + result["unsent"].get<int64_t>()), 200, 60);
}

TEST_F(LoadTest, RefusalsAreCountedAndTheCallersPause) {
  Start();
  const Finished run = Load({"--mix", "weather", "--concurrency", "2", "--duration", "0.1"});
  EXPECT_EQ(run.exit_code, 1);  // nothing was answered
  EXPECT_THAT(run.output, HasSubstr("NOT_FOUND TASK_NOT_FOUND: "));
  const Finished json =
      Load({"--mix", "weather", "--concurrency", "2", "--duration", "0.1", "--json"});
  EXPECT_LE(nlohmann::json::parse(json.output)["calls"], 2 * 11);  // 10 ms after each
}

TEST_F(LoadTest, EveryCallIsWrittenDown) {
  Start();
  const std::string path = ::testing::TempDir() + "/load_test_answers.jsonl";
  const auto result = LoadJson({"--mix", "mood", "--duration", "0.1", "--logits", "--answers", path,
                                "--texts", "0", "--no-cache"});
  std::ifstream file(path);
  std::set<int64_t> calls;
  for (std::string line; std::getline(file, line);) {
    const auto call = nlohmann::json::parse(line);
    calls.insert(call["call"].get<int64_t>());
    EXPECT_EQ(call["results"][0]["tasks"][0]["logits"].size(), 2U);
  }
  EXPECT_EQ(calls.size(), result["calls"].get<size_t>());
  EXPECT_EQ(*calls.rbegin(), result["calls"].get<int64_t>() - 1);
}

TEST_F(LoadTest, TextsComeFromAFile) {
  Start();
  const std::string path = ::testing::TempDir() + "/load_test_texts.txt";
  std::ofstream(path) << "one text\nfirst\tsecond part here\n";
  const Finished run = RunProcess({FATHOM_CLIENT, "load", "--address", address(), "--mix", "mood",
                                   "--warm-up", "0", "--duration", "0.1", "--file", path});
  EXPECT_EQ(run.exit_code, 0) << run.error;
  std::set<size_t> lengths;
  for (const SeenPass& pass : engine_->passes()) {
    for (const auto& text : pass.texts) lengths.insert(text.ids.size());
  }
  EXPECT_EQ(lengths, (std::set<size_t>{4, 6}));
}

TEST_F(LoadTest, AMistakeInTheFlagsIsExitCode2) {
  Start();
  const std::vector<std::vector<std::string>> mistakes = {
      {},
      {"--mix", "a:0"},
      {"--mix", "a", "--rate", "5", "--concurrency", "2"},
      {"--mix", "a", "--words", "5-2"},
      {"--mix", "a", "--file", "x", "--texts", "3"},
      {"--mix", "a", "--duration", "0"},
  };
  for (const auto& mistake : mistakes) {
    std::vector<std::string> arguments = {FATHOM_CLIENT, "load"};
    arguments.insert(arguments.end(), mistake.begin(), mistake.end());
    EXPECT_EQ(RunProcess(arguments).exit_code, 2) << ::testing::PrintToString(mistake);
  }
  EXPECT_EQ(Load({"--mix", "mood", "--file", "/nonexistent"}).exit_code, 2);  // --words excludes it
}

}  // namespace
}  // namespace fathom
