#include "server/tasks/task_poller.h"

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <sstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/fake_engine.h"

namespace fathom {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::HasSubstr;

class TaskPollerTest : public ::testing::Test {
 protected:
  TaskPollerTest() {
    auto logger = std::make_shared<spdlog::logger>(
        "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log_));
    logger->set_pattern("%l %v");
    spdlog::set_default_logger(std::move(logger));
  }
  ~TaskPollerTest() override { spdlog::set_default_logger(old_); }

  // Until `count` more looks have been made; after it, nobody writes the log.
  void Poll(int count) {
    scans_ += count;
    const TaskPoller poller(&engine_, milliseconds(1));
    engine_.AwaitScans(scans_);
  }
  int Count(const std::string& part) const {
    int count = 0;
    const std::string text = log_.str();
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
      ++count;
    }
    return count;
  }

  const std::shared_ptr<spdlog::logger> old_ = spdlog::default_logger();
  std::ostringstream log_;
  FakeEngine engine_;
  int scans_ = 0;
};

TEST_F(TaskPollerTest, TakesWhatChangedAndLogsItOnce) {
  engine_.AddTask(RegressionTask("goes"));
  engine_.tasks().Remove("goes", 1);
  engine_.tasks().Write(RegressionTask("comes"));
  engine_.tasks().Write(RefusedTask("broken", absl::DataLossError("a label \"x\ny\"")));
  Poll(3);
  EXPECT_TRUE(engine_.FindTask("comes", 0).ok());
  EXPECT_FALSE(engine_.FindTask("goes", 0).ok());
  EXPECT_THAT(log_.str(), AllOf(HasSubstr("info task comes version 1 is loaded\n"),
                                HasSubstr("info task goes version 1 is unloaded"),
                                HasSubstr("warning task broken version 1 is refused: DATA_LOSS: "),
                                HasSubstr("x\\ny")));
  EXPECT_EQ(Count("\n"), 3);
}

TEST_F(TaskPollerTest, AnErrorIsLoggedWhenItComesAndWhenItGoes) {
  engine_.FailNextScan(absl::NotFoundError("no such folder"));
  Poll(3);
  EXPECT_EQ(Count("error cannot look at the tasks' folder"), 1);
  EXPECT_EQ(Count("can be seen again"), 1);
}

// A test that fails here hangs.
TEST_F(TaskPollerTest, StopsAtOnce) { const TaskPoller poller(&engine_, hours(24)); }

}  // namespace
}  // namespace fathom
