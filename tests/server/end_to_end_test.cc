// The real programs: fathom-server on free ports, and fathom against it. Needs a model:
//   FATHOM_TEST_ENCODER   a Hugging Face folder
//   FATHOM_TEST_ADAPTERS  a folder of tasks for it
// Without them the tests that need one are skipped.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/server/process.h"

namespace fathom {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string FromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

class EndToEndTest : public ::testing::Test {
 protected:
  void SetUp() override {
    encoder_ = FromEnvironment("FATHOM_TEST_ENCODER");
    adapters_ = FromEnvironment("FATHOM_TEST_ADAPTERS");
    if (encoder_.empty() || adapters_.empty()) {
      GTEST_SKIP() << "set FATHOM_TEST_ENCODER and FATHOM_TEST_ADAPTERS";
    }
  }

  // A server that is ready, its address in address_.
  std::unique_ptr<Process> StartServer() {
    const std::string port_file =
        ::testing::TempDir() + "/end_to_end_ports_" + std::to_string(getpid()) + ".json";
    auto server = std::make_unique<Process>(std::vector<std::string>{
        FATHOM_SERVER, "--encoder", encoder_, "--adapters", adapters_, "--listen", "127.0.0.1:0",
        "--metrics-listen", "127.0.0.1:0", "--threads", "2", "--port-file", port_file});
    if (!server->AwaitError("ready: grpc port")) {
      ADD_FAILURE() << "the server ended: " << server->error();
      return server;
    }
    std::ifstream file(port_file);
    const auto ports = nlohmann::json::parse(file);
    address_ = "127.0.0.1:" + std::to_string(ports["grpc"].get<int>());
    EXPECT_GT(ports["metrics"].get<int>(), 0);
    return server;
  }

  Finished Fathom(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), FATHOM_CLIENT);
    arguments.insert(arguments.end(), {"--address", address_});
    return RunProcess(arguments);
  }

  std::string encoder_;
  std::string adapters_;
  std::string address_;
};

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
