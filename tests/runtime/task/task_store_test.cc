#include "runtime/task/task_store.h"

#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/task/format/adapter_folder.h"
#include "tests/support/random_model.h"

namespace fathom {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class TaskStoreTest : public testing::Test {
 protected:
  TaskStoreTest() : encoder_(RandomEncoder(SmallEncoderConfig(), 1)) {
    root_ = std::filesystem::path(testing::TempDir()) /
            testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(root_);
  }
  ~TaskStoreTest() override { std::filesystem::remove_all(root_); }

  // A task folder that loads, trained on `fingerprint`.
  void Write(const std::string& folder, const std::string& fingerprint) {
    std::filesystem::create_directories((root_ / folder).parent_path());
    const EncoderConfig config = encoder_->config();
    AdapterFolder content{
        .name = "any",
        .adapter = RandomAdapter(PfeifferLayout(config.layers), config.hidden_size, 8, 2),
        .head = RandomHead(config.hidden_size, {"no", "yes"}, 3)};
    content.training = TrainingRecord{
        .method = "specialized", .trained_skip_layers = {2, 2}, .encoder_fingerprint = fingerprint};
    const absl::Status status =
        WriteAdapterFolder((root_ / folder).string(), content, config, {}, WeightDtype::kFp32);
    ASSERT_TRUE(status.ok()) << status;
  }

  TaskStore Load() {
    auto store = TaskStore::Load(root_.string(), *encoder_, weights_);
    EXPECT_TRUE(store.ok()) << store.status();
    return *std::move(store);
  }

  std::shared_ptr<const Encoder> encoder_;
  std::shared_ptr<WeightCache> weights_ = std::make_shared<WeightCache>(int64_t{1} << 30);
  std::filesystem::path root_;
};

TEST_F(TaskStoreTest, ABrokenTaskDoesNotDisturbTheOthers) {
  Write("good", encoder_->fingerprint());
  Write("foreign", "0123456789abcdef");
  std::filesystem::create_directories(root_ / "empty");
  Write("torn", encoder_->fingerprint());
  std::filesystem::resize_file(root_ / "torn" / "adapter.safetensors", 100);

  const TaskStore store = Load();
  EXPECT_TRUE(store.Find("good", 0).ok());
  struct Case {
    const char* name;
    const char* reason;
  };
  for (const Case& test :
       {Case{"foreign", "0123456789abcdef"}, Case{"empty", "adapter_config.json"},
        Case{"torn", "adapter.safetensors"}}) {
    const auto found = store.Find(test.name, 0);
    EXPECT_EQ(found.status().code(), absl::StatusCode::kFailedPrecondition) << test.name;
    EXPECT_THAT(std::string(found.status().message()),
                AllOf(HasSubstr(test.name), HasSubstr(test.reason)));
  }
  EXPECT_EQ(store.List().size(), 4u);
}

TEST_F(TaskStoreTest, TakesTheHighestVersionThatLoads) {
  Write("task/1", encoder_->fingerprint());
  Write("task/2", encoder_->fingerprint());
  Write("task/10", "another");
  const TaskStore store = Load();
  ASSERT_TRUE(store.Find("task", 0).ok());
  EXPECT_EQ((*store.Find("task", 0))->info().version, 2);
  EXPECT_EQ((*store.Find("task", 1))->info().version, 1);
  EXPECT_EQ(store.Find("task", 10).status().code(), absl::StatusCode::kFailedPrecondition);
  const absl::Status missing = store.Find("task", 3).status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.message()), HasSubstr("1, 2, 10"));
}

TEST_F(TaskStoreTest, NamesTheKnownTasksForAnUnknownOne) {
  Write("sentiment", encoder_->fingerprint());
  Write("topic", encoder_->fingerprint());
  const absl::Status status = Load().Find("sentimnet", 0).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("sentimnet"), HasSubstr("sentiment, topic")));
}

TEST_F(TaskStoreTest, SaysWhatTheFilesSay) {
  Write("task", encoder_->fingerprint());
  const TaskInfo info = Load().List().at(0);
  EXPECT_EQ(info.name, "task");
  EXPECT_EQ(info.method, "specialized");
  EXPECT_EQ(info.architecture, "pfeiffer");
  EXPECT_EQ(info.trained_skip_layers.first, 2);
  EXPECT_EQ(info.default_skip_layers, 2);
  EXPECT_THAT(info.labels, ElementsAre("no", "yes"));
}

TEST_F(TaskStoreTest, AScanReadsWhatIsNewToTheLastByte) {
  Write("old", encoder_->fingerprint());
  auto store =
      TaskStore::Load(root_.string(), *encoder_, weights_, {.settle = std::chrono::seconds(0)});
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ(weights_->counts().entries, 0);
  Write("new", encoder_->fingerprint());
  Write("foreign", "another");
  std::filesystem::remove_all(root_ / "old");
  const auto report = store->catalog().ScanTasks();
  ASSERT_TRUE(report.ok()) << report.status();
  ASSERT_EQ(report->loaded.size(), 1u);
  EXPECT_EQ(report->loaded[0].name, "new");
  ASSERT_EQ(report->unloaded.size(), 1u);
  EXPECT_EQ(report->unloaded[0].name, "old");
  ASSERT_EQ(report->refused.size(), 1u);
  EXPECT_THAT(std::string(report->refused[0].load_status.message()), HasSubstr("another"));
  EXPECT_EQ(weights_->counts().entries, 1) << "warm for the first call";
  EXPECT_TRUE(store->Find("new", 0).ok());
}

TEST_F(TaskStoreTest, RefusesAFolderThatIsNotThere) {
  const auto store = TaskStore::Load((root_ / "nowhere").string(), *encoder_, weights_);
  EXPECT_EQ(store.status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace fathom
