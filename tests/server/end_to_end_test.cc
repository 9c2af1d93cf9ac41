// The real programs: fathom-train makes a task, fathom-server serves it beside the golden ones on
// free ports, and fathom asks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/process.h"

namespace fathom {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const char kEncoder[] = FATHOM_SOURCE_DIR "/tests/golden/data/tiny-a";
const char kGoldenTasks[] = FATHOM_SOURCE_DIR "/tests/golden/data/tiny-a/adapters";
const char kGoldenFusions[] = FATHOM_SOURCE_DIR "/tests/golden/fusions";

nlohmann::json ReadJson(const std::string& path) {
  std::ifstream file(path);
  return nlohmann::json::parse(file);
}

class EndToEndTest : public ::testing::Test {
 protected:
  // A server that is ready, its address in address_.
  std::unique_ptr<Process> StartServer(const std::string& tasks = kGoldenTasks) {
    const std::string port_file =
        ::testing::TempDir() + "/end_to_end_ports_" + std::to_string(getpid()) + ".json";
    auto server = std::make_unique<Process>(std::vector<std::string>{
        FATHOM_SERVER, "--encoder", kEncoder, "--adapters", tasks, "--listen", "127.0.0.1:0",
        "--metrics-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--threads", "2",
        "--port-file", port_file});
    if (!server->AwaitError("ready: grpc port")) {
      ADD_FAILURE() << "the server ended: " << server->error();
      return server;
    }
    const auto ports = ReadJson(port_file);
    address_ = "127.0.0.1:" + std::to_string(ports["grpc"].get<int>());
    EXPECT_GT(ports["metrics"].get<int>(), 0);
    admin_address_ = "127.0.0.1:" + std::to_string(ports["admin"].get<int>());
    return server;
  }

  Finished Fathom(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), FATHOM_CLIENT);
    arguments.insert(arguments.end(), {"--address", address_});
    return RunProcess(arguments);
  }

  // Every task at three depths for every text, as the Python library.
  void ExpectAnswers(const nlohmann::json& expected, int least_compared) const {
    int compared = 0;
    for (size_t i = 0; i < expected["inputs"].size(); ++i) {
      const auto& input = expected["inputs"][i];
      if (!input.contains("text")) continue;
      for (int n : {0, 2, 4}) {
        std::vector<std::string> arguments = {"predict",
                                              "--all-tasks",
                                              "--json",
                                              "--logits",
                                              "--skip-layers",
                                              std::to_string(n),
                                              "--allow-untrained-depth",
                                              input["text"]};
        if (input.contains("text_pair")) {
          arguments.insert(arguments.end(), {"--pair", input["text_pair"]});
        }
        const Finished run = Fathom(arguments);
        ASSERT_EQ(run.exit_code, 0) << run.error;
        const auto answer = nlohmann::json::parse(run.output);
        for (const auto& task : answer["results"][0]["tasks"]) {
          const std::string name = task["name"];
          const auto& logits = expected["tasks"][name]["logits"][static_cast<size_t>(n)][i];
          ASSERT_EQ(task["logits"].size(), logits.size()) << name;
          for (size_t c = 0; c < logits.size(); ++c) {
            EXPECT_NEAR(task["logits"][c].get<double>(), logits[c].get<double>(), 1e-4)
                << name << ", n = " << n << ", input " << i;
          }
          ++compared;
        }
      }
    }
    EXPECT_GE(compared, least_compared);
  }

  std::string address_;
  std::string admin_address_;
};

// Through tokenizer, wire, scheduler, planner and executor: what Python's `adapters` computes.
TEST_F(EndToEndTest, AnswersAsThePythonLibrary) {
  const auto server = StartServer();
  ASSERT_FALSE(HasFailure());
  ExpectAnswers(ReadJson(std::string(kEncoder) + "/expected.json"), 3 * 3 * 7);
}

TEST_F(EndToEndTest, ServesFusionsAsThePythonLibrary) {
  const auto server = StartServer(std::string(kGoldenFusions) + "/tasks");
  ASSERT_FALSE(HasFailure());
  const auto listed = nlohmann::json::parse(Fathom({"tasks", "--json"}).output)["tasks"];
  EXPECT_EQ(listed.size(), 4U);
  for (const auto& task : listed) EXPECT_EQ(task["architecture"], "fusion");
  ExpectAnswers(ReadJson(std::string(kGoldenFusions) + "/expected.json"), 3 * 3 * 4);
}

TEST_F(EndToEndTest, ServesWhatItTrained) {
  const std::string root = ::testing::TempDir() + "/end_to_end_" + std::to_string(getpid());
  std::filesystem::create_directories(root + "/tasks");
  std::ofstream table(root + "/train.tsv");
  table << "sentence\tlabel\n";
  for (int i = 0; i < 24; ++i) {
    table << (i % 2 ? "good good movie\tgood\n" : "bad bad film\tbad\n");
  }
  table.close();
  const Finished trained =
      RunProcess({FATHOM_TRAIN, "--encoder", kEncoder, "--train", root + "/train.tsv", "--dev",
                  root + "/train.tsv", "--epochs", "20", "--batch-size", "8", "--learning-rate",
                  "1e-2", "--output", root + "/tasks/mood", "--threads", "1"});
  ASSERT_EQ(trained.exit_code, 0) << trained.error << trained.output;

  const auto server = StartServer(root + "/tasks");
  ASSERT_FALSE(HasFailure());
  const auto listed = nlohmann::json::parse(Fathom({"tasks", "--json"}).output)["tasks"][0];
  EXPECT_EQ(listed["name"], "mood");
  EXPECT_EQ(listed["method"], "robust");
  EXPECT_EQ(listed["trained_skip_layers"]["last"], 3);
  EXPECT_EQ(listed["profile"].size(), 5u);
  for (const std::string n : {"0", "3"}) {
    const Finished run = Fathom({"predict", "--task", "mood", "--json", "--skip-layers", n,
                                 "good good movie", "bad bad film"});
    ASSERT_EQ(run.exit_code, 0) << run.error;
    const auto results = nlohmann::json::parse(run.output)["results"];
    EXPECT_EQ(results[0]["tasks"][0]["classification"]["label"], "good") << "n = " << n;
    EXPECT_EQ(results[1]["tasks"][0]["classification"]["label"], "bad") << "n = " << n;
  }
  std::filesystem::remove_all(root);
}

TEST_F(EndToEndTest, ServesEveryTaskAndDrains) {
  const auto server = StartServer();
  ASSERT_FALSE(HasFailure());
  EXPECT_EQ(Fathom({"health"}).output, "SERVING\n");

  const Finished listed = Fathom({"tasks", "--json"});
  ASSERT_EQ(listed.exit_code, 0) << listed.error;
  size_t loaded = 0;
  const auto tasks = nlohmann::json::parse(listed.output);
  for (const auto& task : tasks["tasks"]) {
    if (task["default_version"] == true) ++loaded;  // a refused one is never the default
  }
  ASSERT_GT(loaded, 0);

  const Finished predicted = Fathom({"predict", "--all-tasks", "--json", "A fine day at the sea."});
  ASSERT_EQ(predicted.exit_code, 0) << predicted.error << predicted.output;
  const auto answer = nlohmann::json::parse(predicted.output);
  EXPECT_EQ(answer["results"][0]["tasks"].size(), loaded);
  EXPECT_GT(answer["usage"]["row_layers_run"].get<double>(), 0);
  EXPECT_EQ(RunProcess({FATHOM_CLIENT, "admin", "clear-cache", "--address", admin_address_}).output,
            "caches cleared\n");

  server->Signal(SIGTERM);
  EXPECT_EQ(server->Wait(), 0) << server->error();
  EXPECT_THAT(server->error(), HasSubstr("every call accepted has been answered"));
}

TEST_F(EndToEndTest, TheSameTextAtEveryDepthNeverRunsMoreThanAtZero) {
  const auto server = StartServer();
  ASSERT_FALSE(HasFailure());
  const Finished info = Fathom({"info", "--json"});
  ASSERT_EQ(info.exit_code, 0) << info.error;
  const int layers = nlohmann::json::parse(info.output)["layers"].get<int>();
  double at_zero = 0;
  for (int n = 0; n <= layers; ++n) {
    const Finished run = Fathom({"predict", "--all-tasks", "--json", "--skip-layers",
                                 std::to_string(n), "--allow-untrained-depth", "A fine day."});
    ASSERT_EQ(run.exit_code, 0) << "n = " << n << ": " << run.error;
    const double row_layers =
        nlohmann::json::parse(run.output)["usage"]["row_layers_run"].get<double>();
    if (n == 0) at_zero = row_layers;
    EXPECT_GT(row_layers, 0);
    EXPECT_LE(row_layers, at_zero) << "n = " << n;
  }
}

TEST(ServerProgram, RefusesAnEncoderThatIsNotThere) {
  const Finished run = RunProcess({FATHOM_SERVER, "--encoder", "/no/such/folder", "--listen",
                                   "127.0.0.1:0", "--metrics-listen", ""});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.error, AllOf(HasSubstr("cannot load"), HasSubstr("/no/such/folder")));
}

TEST(ServerProgram, TellsMistakesInItsFlags) {
  EXPECT_EQ(RunProcess({FATHOM_SERVER}).exit_code, 2);
  EXPECT_EQ(RunProcess({FATHOM_SERVER, "--encoder", "x", "--device", "tpu"}).exit_code, 2);
  const Finished version = RunProcess({FATHOM_SERVER, "--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_THAT(version.output, HasSubstr("fathom-server "));
}

}  // namespace
}  // namespace fathom
