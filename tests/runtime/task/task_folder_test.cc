#include "runtime/task/task_folder.h"

#include <unistd.h>

#include <chrono>
#include <filesystem>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/file_testing.h"

namespace fathom {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class TaskFolderTest : public ::testing::Test {
 protected:
  void SetUp() override { root_ = testing::FreshFolder(); }
  void TearDown() override { fs::remove_all(root_); }

  void Write(const std::string& path, const std::string& bytes = "x") const {
    fs::create_directories((root_ / path).parent_path());
    testing::WriteBytes((root_ / path).string(), bytes);
  }
  // NAME/VERSION of what is seen.
  std::vector<std::string> Seen() const {
    std::vector<std::string> lines;
    const auto all = LookAtTasks(root_.string());
    for (const SeenVersion& seen : *all) {
      lines.push_back(seen.name + "/" + std::to_string(seen.version));
    }
    return lines;
  }
  FolderIdentity Identity(const std::string& path) const {
    return IdentifyFolder((root_ / path).string());
  }

  fs::path root_;
};

TEST(CheckTaskName, RefusesWhatIsNeverOne) {
  struct Case {
    std::string name;
    const char* says;
  };
  const Case cases[] = {
      {"", "empty"},
      {".", "dot"},
      {"..", "dot"},
      {".hidden", "dot"},
      {"../other", "dot"},
      {"a/../../b", "\"/\""},
      {"/etc", "\"/\""},
      {"a/1", "\"/\""},
      {std::string("a\0b", 3), "control"},
      {"a\nb", "control"},
      {"a\x7f", "control"},
      {"copy.tmp", ".tmp"},
      {"\xff", "UTF-8"},
      {std::string(256, 'a'), "256 bytes, the limit is 255"},
  };
  for (const Case& test : cases) {
    const absl::Status status = CheckTaskName(test.name);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << test.name;
    EXPECT_THAT(std::string(status.message()), HasSubstr(test.says)) << test.name;
    EXPECT_EQ(status.message().find('\n'), std::string::npos);
  }
  for (const char* name : {"a", "a.b", "a..b", "a b", "tmp", "été", "-x", "1"}) {
    EXPECT_TRUE(CheckTaskName(name).ok()) << name;
  }
}

TEST_F(TaskFolderTest, SeesVersionsAndLeavesOutTheRest) {
  Write("plain/adapter_config.json");
  Write("numbered/2/adapter_config.json");
  Write("numbered/10/adapter_config.json");
  Write("numbered/1/adapter_config.json");
  Write("numbered/03/adapter_config.json");
  Write("numbered/0/adapter_config.json");
  Write("numbered/-4/adapter_config.json");
  Write("numbered/99999999999/adapter_config.json");
  Write("numbered/5.tmp/adapter_config.json");
  Write("numbered/6");  // a file
  Write("fusion/adapter_setup.json");
  Write("fusion/1/adapter_config.json");
  Write(".hidden/adapter_config.json");
  Write("copy.tmp/adapter_config.json");
  Write("two\nlines/adapter_config.json");
  Write("a_file");
  fs::create_directory(root_ / "empty");
  fs::create_directory_symlink("plain", root_ / "link");
  fs::create_directory_symlink("nowhere", root_ / "dangling");
  EXPECT_THAT(Seen(), ElementsAre("empty/1", "fusion/1", "link/1", "numbered/1", "numbered/2",
                                  "numbered/10", "plain/1"));
  EXPECT_THAT(LookAtTask(root_.string(), "nowhere"), IsEmpty());
  EXPECT_EQ(LookAtTask(root_.string(), "numbered").size(), 3u);
  EXPECT_EQ(LookAtTasks((root_ / "nowhere").string()).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(TaskFolderTest, TellsEveryChangeOfAFile) {
  Write("task/adapter_config.json");
  Write("task/b/adapter.safetensors", "0123");
  const fs::path member = root_ / "task/b/adapter.safetensors";
  FolderIdentity last = Identity("task");
  EXPECT_TRUE(last.SameFiles(Identity("task")));
  EXPECT_TRUE(last.SameFiles(LookAtTask(root_.string(), "task")[0].identity));
  const auto expect_change = [&](const char* what) {
    const FolderIdentity now = Identity("task");
    EXPECT_FALSE(last.SameFiles(now)) << what;
    last = now;
  };
  Write("task/b/adapter.safetensors", "01234");
  expect_change("another size");
  fs::last_write_time(member, fs::last_write_time(member) - std::chrono::hours(1));
  expect_change("another time");
  Write("task/new", "01234");
  expect_change("one more");
  const auto time = fs::last_write_time(member);
  fs::rename(root_ / "task/new", member);
  fs::last_write_time(member, time);
  expect_change("another file under the name, of equal size and time");
  fs::rename(root_ / "task/b", root_ / "task/c");
  expect_change("renamed");
  fs::remove_all(root_ / "task");
  expect_change("gone");
}

// ctime: programs that copy set the times of the files back.
TEST_F(TaskFolderTest, AFileWithAnOldTimeIsStillNew) {
  using std::chrono::system_clock;
  const int64_t before =
      std::chrono::duration_cast<std::chrono::nanoseconds>(system_clock::now().time_since_epoch())
          .count();
  Write("task/file");
  fs::last_write_time(root_ / "task/file",
                      fs::last_write_time(root_ / "task/file") - std::chrono::hours(1000));
  // File times come from a clock that ticks some times in ten milliseconds.
  EXPECT_GE(Identity("task").newest_ns, before - 50'000'000);
}

}  // namespace
}  // namespace fathom
