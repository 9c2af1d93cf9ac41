// A catalog over real folders and a loader that reads one small file.
#include "runtime/task/task_catalog.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <thread>

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/file_testing.h"

namespace fathom {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr int64_t kSecond = 1'000'000'000;

class TaskCatalogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = testing::FreshFolder();
    wall_ns_ = SystemClock().wall_ns();
  }
  void TearDown() override { fs::remove_all(root_); }

  // A version whose loading gives a task with this method, or fails if it begins with "bad".
  void Write(const std::string& folder, const std::string& content) const {
    fs::create_directories(root_ / folder);
    testing::WriteBytes((root_ / folder / "content").string(), content);
  }

  void Open() {
    auto catalog = TaskCatalog::Open(
        root_.string(),
        [this](const SeenVersion& seen, WeightReading reading) { return Load(seen, reading); },
        {.clock = {.wall_ns = [this] { return wall_ns_.load(); },
                   .steady_ns = [this] { return steady_ns_.load(); }}});
    ASSERT_TRUE(catalog.ok()) << catalog.status();
    catalog_ = *std::move(catalog);
  }

  absl::StatusOr<std::shared_ptr<const ServableTask>> Load(const SeenVersion& seen,
                                                           WeightReading reading) {
    ++loads_;
    if (reading == WeightReading::kNow) ++full_loads_;
    if (while_reading_) std::exchange(while_reading_, nullptr)();
    const std::string content = testing::ReadBytes(seen.path + "/content");
    if (absl::StartsWith(content, "bad")) return absl::DataLossError(content);
    if (content == "forbidden") return absl::PermissionDeniedError(content + not_in_the_files_);
    return std::make_shared<const ServableTask>(
        TaskInfo{.name = seen.name, .version = seen.version, .method = content});
  }

  // A scan so much later than all that was written.
  std::vector<std::string> Scan(double seconds_later = 10) {
    wall_ns_ = SystemClock().wall_ns() + static_cast<int64_t>(seconds_later * kSecond);
    return ScanNow();
  }
  // A scan so much later than the last change of these folders.
  std::vector<std::string> ScanAfter(const std::vector<std::string>& folders, double seconds) {
    int64_t newest_ns = 0;
    for (const std::string& folder : folders) {
      newest_ns = std::max(newest_ns, IdentifyFolder((root_ / folder).string()).newest_ns);
    }
    wall_ns_ = newest_ns + static_cast<int64_t>(seconds * kSecond);
    return ScanNow();
  }
  // What it says: "+name/1", "-name/1", "!name/1".
  std::vector<std::string> ScanNow() {
    const auto report = catalog_->ScanTasks();
    EXPECT_TRUE(report.ok()) << report.status();
    std::vector<std::string> lines;
    const auto add = [&](const char* sign, const std::string& name, int version) {
      lines.push_back(sign + name + "/" + std::to_string(version));
    };
    for (const TaskVersion& task : report->loaded) add("+", task.name, task.version);
    for (const TaskVersion& task : report->unloaded) add("-", task.name, task.version);
    for (const TaskInfo& task : report->refused) add("!", task.name, task.version);
    return lines;
  }

  // The method of what is served; the error's code if nothing is.
  std::string Served(const std::string& name, int version = 0) const {
    const auto task = catalog_->registry().snapshot()->Find(name, version);
    return task.ok() ? (*task)->info().method : absl::StatusCodeToString(task.status().code());
  }
  std::vector<std::string> Errors() const {
    std::vector<std::string> errors;
    for (const TaskInfo& info : catalog_->registry().snapshot()->List()) {
      if (!info.load_status.ok()) errors.emplace_back(info.load_status.message());
    }
    return errors;
  }

  fs::path root_;
  std::unique_ptr<TaskCatalog> catalog_;
  std::atomic<int64_t> wall_ns_ = 0;
  std::atomic<int64_t> steady_ns_ = 5 * kSecond;
  std::string not_in_the_files_;
  std::function<void()> while_reading_;
  int loads_ = 0;
  int full_loads_ = 0;
};

TEST_F(TaskCatalogTest, TheStartTakesAllWithoutReadingWeights) {
  Write("a", "one");
  Write("b/1", "one");
  Write("b/2", "bad head");
  Write(".copy", "one");
  Write("copy.tmp", "one");
  Open();
  EXPECT_EQ(Served("a"), "one");
  EXPECT_EQ(Served("b"), "one");
  EXPECT_EQ(Served(".copy"), "NOT_FOUND");
  EXPECT_EQ(loads_, 3);
  EXPECT_EQ(full_loads_, 0);
  EXPECT_THAT(Scan(), IsEmpty());
  EXPECT_EQ(loads_, 3);
}

TEST_F(TaskCatalogTest, AScanFollowsTheFolder) {
  Write("old", "one");
  Write("gone", "one");
  Write("torn", "bad");
  Open();
  Write("old", "three");
  Write("new/7", "one");
  Write("broken", "bad luck");
  fs::remove_all(root_ / "gone");
  fs::remove_all(root_ / "torn");
  EXPECT_THAT(Scan(), UnorderedElementsAre("+old/1", "+new/7", "-gone/1", "!broken/1"));
  EXPECT_EQ(Served("old"), "three");
  EXPECT_EQ(Served("new"), "one");
  EXPECT_EQ(Served("gone"), "NOT_FOUND");
  EXPECT_THAT(Errors(), ElementsAre("bad luck"));
  EXPECT_EQ(full_loads_, 3);
  EXPECT_THAT(Scan(), IsEmpty());
  EXPECT_EQ(full_loads_, 3);
}

TEST_F(TaskCatalogTest, AFolderIsTakenWhenItIsQuiet) {
  Write("task", "one");
  Open();
  Write("task", "half of it");
  Write("new", "half of it");
  EXPECT_THAT(ScanAfter({"task", "new"}, 0), IsEmpty());
  EXPECT_EQ(Served("task"), "one");
  Write("task", "all of it, at last");
  EXPECT_THAT(ScanAfter({"new"}, 1.9), IsEmpty());
  EXPECT_THAT(ScanAfter({"task"}, 2.1), UnorderedElementsAre("+task/1", "+new/1"));
  EXPECT_EQ(Served("task"), "all of it, at last");
}

TEST_F(TaskCatalogTest, AClockThatWasSetBackOnlyDelays) {
  Open();
  Write("task", "one");
  EXPECT_THAT(Scan(-3600), IsEmpty());
  steady_ns_ += 1 * kSecond;
  EXPECT_THAT(ScanNow(), IsEmpty());
  Write("task", "changed again");
  steady_ns_ += 1 * kSecond;
  EXPECT_THAT(ScanNow(), IsEmpty());
  steady_ns_ += 1 * kSecond;
  EXPECT_THAT(ScanNow(), IsEmpty());
  steady_ns_ += 1 * kSecond;
  EXPECT_THAT(ScanNow(), ElementsAre("+task/1"));
}

TEST_F(TaskCatalogTest, ARenamedFolderIsSeenAsAWhole) {
  Open();
  Write("task.tmp", "one");
  EXPECT_THAT(Scan(), IsEmpty());
  fs::rename(root_ / "task.tmp", root_ / "task");
  EXPECT_THAT(Scan(), ElementsAre("+task/1"));
}

TEST_F(TaskCatalogTest, FilesThatChangeWhileTheyAreReadAreLeftForTheNextScan) {
  Write("task", "one");
  Open();
  Write("task", "second");
  while_reading_ = [this] { Write("task", "bad: torn"); };
  EXPECT_THAT(Scan(), IsEmpty());
  EXPECT_EQ(Served("task"), "one");
  EXPECT_THAT(Errors(), IsEmpty());
  while_reading_ = [this] { Write("task", "another one"); };
  const absl::Status status = catalog_->LoadTask("task", 0, {}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("changed while they were read"));
  EXPECT_EQ(Served("task"), "one");
  EXPECT_THAT(Scan(), ElementsAre("+task/1"));
  EXPECT_EQ(Served("task"), "another one");
}

TEST_F(TaskCatalogTest, ABadNewVersionLeavesTheOldOne) {
  Write("task", "one");
  Open();
  Write("task", "bad: torn");
  EXPECT_THAT(Scan(), ElementsAre("!task/1"));
  EXPECT_EQ(Served("task"), "one");
  EXPECT_THAT(Errors(), ElementsAre("bad: torn"));
  const absl::Status status = catalog_->LoadTask("task", 1, {}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("\"task\" version 1"), HasSubstr("bad: torn"),
                    HasSubstr("what was loaded goes on")));
  EXPECT_EQ(Served("task"), "one");
  EXPECT_EQ(catalog_->registry().counts().load_failures, 2);
  Write("task", "mended");
  EXPECT_THAT(Scan(), ElementsAre("+task/1"));
  EXPECT_THAT(Errors(), IsEmpty());
}

TEST_F(TaskCatalogTest, WhatMayPassIsTriedAgainAndToldOnce) {
  Open();
  Write("task", "forbidden");
  EXPECT_THAT(Scan(), ElementsAre("!task/1"));
  EXPECT_THAT(Scan(), IsEmpty());
  EXPECT_EQ(loads_, 2);
  not_in_the_files_ = " for another reason";
  EXPECT_THAT(Scan(), ElementsAre("!task/1"));
}

TEST_F(TaskCatalogTest, LoadTakesTheHighestVersionAtOnce) {
  Open();
  Write("task/9", "nine");
  Write("task/10", "ten");
  const auto info = catalog_->LoadTask("task", 0, {});
  ASSERT_TRUE(info.ok()) << info.status();
  EXPECT_EQ(info->version, 10);
  EXPECT_EQ(info->method, "ten");
  EXPECT_EQ(full_loads_, 1);
  EXPECT_EQ(Served("task", 9), "NOT_FOUND");
  ASSERT_TRUE(catalog_->LoadTask("task", 9, {.make_default = true}).ok());
  EXPECT_EQ(Served("task"), "nine");
  EXPECT_THAT(Scan(), IsEmpty());
}

TEST_F(TaskCatalogTest, ValidatingChangesNothing) {
  Write("task", "one");
  Open();
  Write("task", "two");
  Write("broken", "bad luck");
  const TaskCounts before = catalog_->registry().counts();
  const auto info = catalog_->LoadTask("task", 0, {.make_default = true, .validate_only = true});
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(info->method, "two");
  const auto broken = catalog_->LoadTask("broken", 0, {.validate_only = true});
  EXPECT_EQ(broken.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Served("task"), "one");
  EXPECT_THAT(Errors(), IsEmpty());
  EXPECT_EQ(catalog_->registry().counts().loads, before.loads);
  EXPECT_EQ(catalog_->registry().counts().load_failures, before.load_failures);
  EXPECT_THAT(Scan(), UnorderedElementsAre("+task/1", "!broken/1"));
}

TEST_F(TaskCatalogTest, RefusesNamesAndVersionsThatAreNotThere) {
  Write("task/2", "one");
  Open();
  const std::string around = "../" + root_.filename().string() + "/task";
  for (const std::string& name : {std::string(".."), around, std::string("a/b"), std::string()}) {
    for (const absl::Status& status :
         {catalog_->LoadTask(name, 0, {}).status(), catalog_->UnloadTask(name, 0),
          catalog_->SetDefaultVersion(name, 0)}) {
      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << name << ": " << status;
    }
  }
  const absl::Status unknown = catalog_->LoadTask("nowhere", 0, {}).status();
  EXPECT_EQ(unknown.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(unknown.message().find(root_.string()), std::string::npos) << "clients see no paths";
  EXPECT_EQ(catalog_->LoadTask("task", 1, {}).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(catalog_->LoadTask("task", -2, {}).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(catalog_->UnloadTask("nowhere", 0).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(catalog_->UnloadTask("task", 5).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(loads_, 1);
}

TEST_F(TaskCatalogTest, AnUnloadedTaskStaysAwayUntilItsFilesChange) {
  Write("task/1", "one");
  Write("task/2", "two");
  Open();
  ASSERT_TRUE(catalog_->UnloadTask("task", 2).ok());
  EXPECT_EQ(Served("task"), "one");
  EXPECT_THAT(Scan(), IsEmpty());
  Write("task/2", "more");
  EXPECT_THAT(Scan(), ElementsAre("+task/2"));
  ASSERT_TRUE(catalog_->UnloadTask("task", 0).ok());
  EXPECT_EQ(Served("task"), "NOT_FOUND");
  EXPECT_THAT(Scan(), IsEmpty());
  ASSERT_TRUE(catalog_->LoadTask("task", 1, {}).ok());
  EXPECT_EQ(Served("task"), "one");
}

TEST_F(TaskCatalogTest, AFolderThatCannotBeListedUnloadsNothing) {
  Write("task", "one");
  Open();
  const fs::path away = root_.string() + ".away";
  fs::rename(root_, away);
  EXPECT_EQ(catalog_->ScanTasks().status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Served("task"), "one");
  fs::rename(away, root_);
  EXPECT_THAT(Scan(), IsEmpty());
}

TEST_F(TaskCatalogTest, WithoutAFolderThereAreNoTasks) {
  auto catalog = TaskCatalog::Open("", nullptr);
  ASSERT_TRUE(catalog.ok());
  EXPECT_EQ((*catalog)->LoadTask("task", 0, {}).status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE((*catalog)->ScanTasks().ok());
  EXPECT_TRUE((*catalog)->registry().snapshot()->List().empty());
}

// Threads that load, unload and scan while others read.
TEST_F(TaskCatalogTest, ChangesWaitForOneAnotherAndReadersForNone) {
  Write("stays", "one");
  Write("task/1", "one");
  Write("task/2", "two");
  Open();
  std::atomic<bool> stop = false;
  std::atomic<int> wrong = 0;
  std::thread reader([&] {
    while (!stop) {
      if (Served("stays") != "one") ++wrong;
      const std::string served = Served("task", 2);
      if (served != "two" && served != "NOT_FOUND") ++wrong;
    }
  });
  std::vector<std::thread> writers;
  for (int i = 0; i < 2; ++i) {
    writers.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        if (!catalog_->LoadTask("task", 2, {.make_default = true}).ok()) ++wrong;
        catalog_->UnloadTask("task", 2).IgnoreError();
        if (!catalog_->ScanTasks().ok()) ++wrong;
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  stop = true;
  reader.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(catalog_->registry().counts().loads, 3 + 100);
}

// A scan stats names and opens nothing but folders.
TEST_F(TaskCatalogTest, AScanOfThousandsOfTasksIsQuick) {
  constexpr int kTasks = 2000;
  Write("first", "one");
  for (int i = 0; i < kTasks; ++i) {
    const fs::path folder = root_ / std::to_string(i);
    fs::create_directory(folder);
    for (const char* name : {"content", "a", "b", "c"}) {
      fs::create_hard_link(root_ / "first/content", folder / name);
    }
  }
  Open();
  const int64_t start = SystemClock().steady_ns();
  EXPECT_THAT(Scan(), IsEmpty());
  const int64_t ms = (SystemClock().steady_ns() - start) / 1'000'000;
  RecordProperty("scan_ms", static_cast<int>(ms));
  EXPECT_LT(ms, 2000) << kTasks << " tasks";
  EXPECT_EQ(loads_, kTasks + 1);
}

}  // namespace
}  // namespace fathom
