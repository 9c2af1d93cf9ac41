// The real `fathom` program against a server in this process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/server/grpc/server_fixture.h"
#include "tests/support/process.h"

namespace fathom {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ClientTest : public ServerTest {
 protected:
  Finished Fathom(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), FATHOM_CLIENT);
    return RunProcess(arguments, {"FATHOM_ADDRESS=" + address()});
  }
};

TEST_F(ClientTest, PredictShowsATable) {
  Start();
  engine_->SetTaskLogits("mood", {0, 2});
  const Finished run = Fathom({"predict", "--task", "mood", "--task", "likeness", "a fine day"});
  ASSERT_EQ(run.exit_code, 0) << run.error;
  EXPECT_THAT(run.output,
              AllOf(HasSubstr("a fine day  mood"), HasSubstr("good"), HasSubstr("█████████░ 0.881"),
                    HasSubstr("accuracy 0.800 (100 %)"), HasSubstr("likeness"),
                    HasSubstr("not measured"), HasSubstr("5 tokens"),
                    HasSubstr("row-layers: 120.0 run, 1.7 shared, 1.2 cached, 0.0 skipped"),
                    HasSubstr("compute")));
}

TEST_F(ClientTest, PredictRunsEveryTaskAtEveryDepthAsked) {
  Start();
  const Finished run = Fathom({"predict", "--task", "mood", "--task", "topic", "--skip-layers", "4",
                               "--skip-layers", "9", "a fine day"});
  ASSERT_EQ(run.exit_code, 0) << run.error;
  const std::vector<std::pair<std::string, int>> expected = {
      {"mood", 4}, {"mood", 9}, {"topic", 4}, {"topic", 9}};
  EXPECT_EQ(engine_->passes()[0].texts[0].tasks, expected);
}

TEST_F(ClientTest, PredictReadsAFileOfTextsAndPairs) {
  Start();
  const std::string path = ::testing::TempDir() + "/client_test_texts.tsv";
  std::ofstream(path) << "one text\nfirst part\tsecond part\n";
  const Finished run = Fathom({"predict", "--all-tasks", "--file", path});
  ASSERT_EQ(run.exit_code, 0) << run.error;
  EXPECT_THAT(run.output, AllOf(HasSubstr("first part | second part"), HasSubstr("likeness"),
                                HasSubstr("topic"), Not(HasSubstr("broken"))));
  EXPECT_EQ(engine_->passes()[0].texts[1].ids.size(), 6);
}

TEST_F(ClientTest, PredictAnswersMoreTextsThanACallHolds) {
  Start();
  const std::string path = ::testing::TempDir() + "/client_test_many.txt";
  std::ofstream file(path);
  for (int i = 0; i < 150; ++i) file << "text " << i << "\n";
  file.close();
  const Finished run = Fathom({"predict", "--task", "mood", "--json", "--file", path});
  ASSERT_EQ(run.exit_code, 0) << run.error;
  const auto json = nlohmann::json::parse(run.output);
  EXPECT_EQ(json["results"].size(), 150);
  EXPECT_EQ(json["usage"]["tokens"], std::to_string(150 * 4));
  EXPECT_EQ(json["usage"]["passes"], 3);
}

TEST_F(ClientTest, PredictGivesJson) {
  Start();
  const Finished run =
      Fathom({"predict", "--json", "--task", "topic", "--top-k", "2", "--logits", "--skip-layers",
              "12", "--allow-untrained-depth", "one", "--pair", "two"});
  ASSERT_EQ(run.exit_code, 0) << run.error;
  const auto task = nlohmann::json::parse(run.output)["results"][0]["tasks"][0];
  EXPECT_EQ(task["name"], "topic");
  EXPECT_EQ(task["depth"]["skip_layers"], 12);
  EXPECT_EQ(task["classification"]["top"].size(), 2);
  EXPECT_EQ(task["logits"].size(), 3);
}

TEST_F(ClientTest, TextCannotSteerTheTerminal) {
  Start();
  const Finished run = Fathom({"predict", "--task", "mood", "evil \x1b[2J text"});
  EXPECT_THAT(run.output, AllOf(HasSubstr("evil  [2J text"), Not(HasSubstr("\x1b"))));
}

TEST_F(ClientTest, AnErrorOfTheServerIsToldPlainly) {
  Start();
  const Finished unknown = Fathom({"predict", "--task", "weather", "a fine day"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.error,
              AllOf(HasSubstr("NOT_FOUND"), HasSubstr("mood, "), HasSubstr("topic")));
  const Finished deep = Fathom({"predict", "--task", "mood", "--skip-layers", "12", "a fine day"});
  EXPECT_EQ(deep.exit_code, 1);
  EXPECT_THAT(deep.error, HasSubstr("allow_untrained_depth"));
}

TEST_F(ClientTest, AFailedItemIsShownAndMakesTheExitCode1) {
  Start();
  engine_->SetTaskStatus("topic", absl::InternalError("went wrong"));
  const Finished run = Fathom({"predict", "--task", "topic", "--task", "mood", "a fine day"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.output, AllOf(HasSubstr("error: went wrong"), HasSubstr("mood")));
}

TEST_F(ClientTest, AMistakeInTheFlagsIsExitCode2) {
  Start();
  const std::vector<std::vector<std::string>> mistakes = {
      {},
      {"no-such-command"},
      {"predict", "a text without a task"},
      {"predict", "--task", "mood"},
      {"predict", "--task", "mood", "--all-tasks", "text"},
      {"predict", "--task", "mood", "--pair", "x", "--pair", "y", "text"},
      {"predict", "--task", "mood", "--skip-layers", "minus one", "text"},
      {"predict", "--task", "mood@deep", "text"},
      {"predict", "--task", "mood", "--skip-layers", "1", "--min-quality", "0.9", "text"},
      {"predict", "--task", "mood", "--latency-budget-ms", "0", "text"},
      {"predict", "--task", "mood", "--priority", "10", "text"},
      {"predict", "--task", "mood", "--truncation", "somehow", "text"},
      {"admin"},
  };
  for (const auto& mistake : mistakes) {
    const Finished run = Fathom(mistake);
    EXPECT_EQ(run.exit_code, 2) << ::testing::PrintToString(mistake);
    EXPECT_THAT(run.error, Not(HasSubstr("terminate"))) << run.error;
  }
  EXPECT_EQ(Fathom({"--version"}).exit_code, 0);
}

TEST_F(ClientTest, TasksListsAlsoWhatWasRefused) {
  Start();
  const Finished run = Fathom({"tasks"});
  ASSERT_EQ(run.exit_code, 0) << run.error;
  EXPECT_THAT(run.output, AllOf(HasSubstr("art, law, war"), HasSubstr("0 … 11"),
                                HasSubstr("robust"), HasSubstr("accuracy 0.800 … 0.580"),
                                HasSubstr("refused: broken version 1: head.weight is missing")));
}

TEST_F(ClientTest, TasksAsJsonHoldsTheDetailsOfAnError) {
  Start();
  const Finished run = Fathom({"tasks", "--json"});
  ASSERT_EQ(run.exit_code, 0) << run.error;
  const auto broken = nlohmann::json::parse(run.output)["tasks"][0];
  EXPECT_EQ(broken["load_error"]["details"][0]["reason"], "DATA_LOSS");
}

TEST_F(ClientTest, InfoAndHealth) {
  Start();
  EXPECT_THAT(Fathom({"info"}).output,
              AllOf(HasSubstr("fathom 1.2.3"), HasSubstr("fake-encoder"), HasSubstr("256 inputs")));
  const Finished healthy = Fathom({"health"});
  EXPECT_EQ(healthy.exit_code, 0);
  EXPECT_EQ(healthy.output, "SERVING\n");
  const std::string gone = address();
  server_->Drain();
  const Finished refused = Fathom({"health", "--address", gone, "--timeout", "5"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.error, HasSubstr("UNAVAILABLE"));
}

TEST_F(ClientTest, StreamsEmbedsAndTokenizes) {
  Start();
  const Finished stream = Fathom({"predict", "--stream", "--task", "mood", "one", "two"});
  EXPECT_EQ(stream.exit_code, 0) << stream.error;
  EXPECT_THAT(stream.output, AllOf(HasSubstr("one  mood"), HasSubstr("two  mood")));
  const Finished embed = Fathom({"embed", "--task", "mood", "--normalize", "a fine day"});
  EXPECT_EQ(embed.exit_code, 0) << embed.error;
  EXPECT_THAT(embed.output, HasSubstr("a fine day  4      1.0000"));
  const Finished tokens = Fathom({"tokenize", "a fine day"});
  EXPECT_EQ(tokens.exit_code, 0) << tokens.error;
  EXPECT_THAT(tokens.output, HasSubstr("a fine day  5"));
}

TEST_F(ClientTest, TasksByPrefix) {
  Start();
  const Finished run = Fathom({"tasks", "--json", "--prefix", "to"});
  ASSERT_EQ(run.exit_code, 0) << run.error;
  const auto tasks = nlohmann::json::parse(run.output)["tasks"];
  ASSERT_EQ(tasks.size(), 1U);
  EXPECT_EQ(tasks[0]["name"], "topic");
}

TEST_F(ClientTest, EachTaskCanHaveItsOwnDepth) {
  Start();
  const Finished run =
      Fathom({"predict", "--task", "mood@4", "--task", "topic/1", "--skip-layers", "2", "a day"});
  ASSERT_EQ(run.exit_code, 0) << run.error;
  const std::vector<std::pair<std::string, int>> expected = {{"mood", 4}, {"topic", 2}};
  EXPECT_EQ(engine_->passes()[0].texts[0].tasks, expected);
}

TEST_F(ClientTest, ClearCacheAsksTheAdminPort) {
  Start({.metrics_listen = "", .admin_listen = "127.0.0.1:0"});
  const std::string admin = "127.0.0.1:" + std::to_string(server_->admin_port());
  const Finished run = Fathom({"admin", "clear-cache", "--address", admin});
  EXPECT_EQ(run.exit_code, 0) << run.error;
  EXPECT_EQ(run.output, "caches cleared\n");
  EXPECT_EQ(engine_->cache_clears(), 1);

  const Finished elsewhere = Fathom({"admin", "clear-cache", "--address", address()});
  EXPECT_EQ(elsewhere.exit_code, 1);
  EXPECT_THAT(elsewhere.error, HasSubstr("UNIMPLEMENTED"));
  EXPECT_EQ(Fathom({"admin", "clear-cache"}).exit_code, 2);
}

}  // namespace
}  // namespace fathom
