// Tasks whose weights are read when a pass asks for them.
#include "runtime/task/loaded_task.h"

#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/file/held_file.h"
#include "runtime/task/format/adapter_folder.h"
#include "runtime/task/format/checked_folder.h"
#include "runtime/task/task_store.h"
#include "tests/runtime/task/adapter_testing.h"
#include "tests/support/file_testing.h"
#include "tests/support/random_model.h"

namespace fathom {
namespace {

using ::testing::AllOf;
using testing::FreshFolder;
using ::testing::HasSubstr;
using testing::SameAdapter;
using testing::SameHead;

constexpr char kAdapterFile[] = "adapter.safetensors";

class LoadedTaskTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = FreshFolder();
    content_ = {.name = "any",
                .adapter = RandomAdapter(HoulsbyLayout(config_.layers, {1}), kHidden, 8, 2),
                .head = RandomHead(kHidden, {"no", "yes", "maybe"}, 3)};
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& name, WeightDtype dtype = WeightDtype::kFp32) const {
    const absl::Status status =
        WriteAdapterFolder((root_ / name).string(), content_, config_, {}, dtype);
    ASSERT_TRUE(status.ok()) << status;
  }

  TaskStore Load() const {
    auto store = TaskStore::Load(root_.string(), *encoder_, cache_);
    EXPECT_TRUE(store.ok()) << store.status();
    return *std::move(store);
  }

  static std::shared_ptr<const LoadedTask> Find(const TaskStore& store, const std::string& name) {
    auto task = store.Find(name, 0);
    EXPECT_TRUE(task.ok()) << task.status();
    return *std::move(task);
  }

  void ExpectPinFails(const LoadedTask& task, const std::string& reason) const {
    const absl::Status status = task.Pin().status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr(task.info().name), HasSubstr(kAdapterFile), HasSubstr(reason)));
  }

  const EncoderConfig config_ = SmallEncoderConfig();
  const int kHidden = config_.hidden_size;
  const std::shared_ptr<const Encoder> encoder_ = RandomEncoder(config_, 1);
  std::shared_ptr<WeightCache> cache_ = std::make_shared<WeightCache>(int64_t{1} << 30);
  AdapterFolder content_;
  std::filesystem::path root_;
};

TEST_F(LoadedTaskTest, PinsWhatTheFilesHoldInOnePiece) {
  Write("task");
  const TaskStore store = Load();
  const auto task = Find(store, "task");
  EXPECT_EQ(cache_->counts().bytes, 0);  // not before it is asked for
  const auto weights = task->Pin();
  ASSERT_TRUE(weights.ok()) << weights.status();
  const auto& [adapter, head, bytes] = **weights;
  EXPECT_TRUE(SameAdapter(adapter, content_.adapter));
  EXPECT_TRUE(SameHead(head, *content_.head));
  EXPECT_EQ(cache_->counts().bytes, bytes);
  const char* first =
      static_cast<const char*>(adapter.module(0, Place::kAttention).down_weight.const_data_ptr());
  for (const at::Tensor& tensor : {adapter.module(0, Place::kAttention).up_weight,
                                   adapter.module(3, Place::kFfn).down_bias, head.layers[1].bias}) {
    const auto offset = static_cast<const char*>(tensor.const_data_ptr()) - first;
    EXPECT_EQ(offset % 64, 0);
    EXPECT_GT(offset, 0);
    EXPECT_LE(offset + static_cast<int64_t>(tensor.nbytes()), bytes);
  }
}

TEST_F(LoadedTaskTest, SaysItsShapeWithoutWeights) {
  Write("task");
  const auto from_files = Find(Load(), "task");
  const LoadedTask given(TaskInfo{.name = "task"}, content_.adapter, *content_.head);
  for (const LoadedTask* task : {from_files.get(), &given}) {
    EXPECT_EQ(task->layout().sites, content_.adapter.layout.sites);
    EXPECT_EQ(task->bottleneck(0), 8);
    EXPECT_EQ(task->bottleneck(1), 0);
    EXPECT_EQ(task->head_layers(), 2);
    EXPECT_EQ(task->classes(), 3);
  }
  EXPECT_NE(from_files->id(), given.id());
  EXPECT_EQ(cache_->counts().misses, 0);
  EXPECT_TRUE(SameAdapter((*given.Pin())->adapter, content_.adapter));
}

TEST_F(LoadedTaskTest, EveryKindOfFileGivesTheSameWeights) {
  Write("both");
  Write("torch");
  Write("half", WeightDtype::kFp16);
  std::filesystem::remove(root_ / "torch" / kAdapterFile);
  const TaskStore store = Load();
  EXPECT_TRUE(SameAdapter((*Find(store, "torch")->Pin())->adapter, content_.adapter));
  const auto half = *Find(store, "half")->Pin();
  EXPECT_EQ(half->bytes, (*Find(store, "both")->Pin())->bytes);  // fp32 in memory
  EXPECT_TRUE(at::equal(half->head.layers[0].weight,
                        content_.head->layers[0].weight.to(at::kHalf).to(at::kFloat)));
}

TEST_F(LoadedTaskTest, PacksAgainAfterOthersTookItsPlace) {
  Write("a");
  Write("b");
  cache_ = std::make_shared<WeightCache>(1);
  const TaskStore store = Load();
  for (int round = 0; round < 2; ++round) {
    for (const char* name : {"a", "b"}) {
      EXPECT_TRUE(SameAdapter((*Find(store, name)->Pin())->adapter, content_.adapter));
    }
  }
  EXPECT_EQ(cache_->counts().misses, 4);
}

TEST_F(LoadedTaskTest, RefusesAFileThatWasWrittenToSinceItWasRegistered) {
  for (const char* name : {"cut", "written", "fine"}) Write(name);
  const TaskStore store = Load();
  std::filesystem::resize_file(root_ / "cut" / kAdapterFile, 5000);
  std::filesystem::last_write_time(root_ / "written" / kAdapterFile,
                                   std::filesystem::file_time_type::clock::now());
  for (const char* name : {"cut", "written"}) {
    ExpectPinFails(*Find(store, name), "has changed since the task was registered; reload");
  }
  EXPECT_TRUE(Find(store, "fine")->Pin().ok());
  EXPECT_EQ(cache_->counts().entries, 1);
}

TEST_F(LoadedTaskTest, AFileWhoseNameIsGoneIsStillRead) {
  for (const char* name : {"gone", "replaced"}) Write(name);
  const TaskStore store = Load();
  const Adapter old = content_.adapter;
  std::filesystem::remove_all(root_ / "gone");
  content_.adapter = RandomAdapter(PfeifferLayout(config_.layers), kHidden, 4, 9);
  Write("replaced");
  for (const char* name : {"gone", "replaced"}) {
    const auto weights = Find(store, name)->Pin();
    ASSERT_TRUE(weights.ok()) << weights.status();
    EXPECT_TRUE(SameAdapter((*weights)->adapter, old));
  }
}

// Where no more files may be held open, they are told apart from later ones of their names.
TEST_F(LoadedTaskTest, AFileThatIsNotHeldMustStandWhereItStood) {
  for (const char* name : {"gone", "replaced", "fine"}) Write(name);
  rlimit old_limit = {};
  ::getrlimit(RLIMIT_NOFILE, &old_limit);
  rlimit limit = old_limit;
  limit.rlim_cur = 1;  // half of it is nothing
  ::setrlimit(RLIMIT_NOFILE, &limit);
  const auto none = HeldFile::Open((root_ / "fine" / kAdapterFile).string());
  ::setrlimit(RLIMIT_NOFILE, &old_limit);
  EXPECT_EQ(none, nullptr);

  const auto checked = [this](const std::string& name) {
    auto folder = CheckAdapterFolder((root_ / name).string(), config_);
    return LoadedTask(TaskInfo{.name = name}, *std::move(folder), cache_);
  };
  const LoadedTask gone = checked("gone");
  const LoadedTask replaced = checked("replaced");
  std::filesystem::remove(root_ / "gone" / kAdapterFile);
  Write("replaced");
  ExpectPinFails(gone, "cannot be seen any more");
  ExpectPinFails(replaced, "has changed");
  EXPECT_TRUE(checked("fine").Pin().ok());
}

TEST_F(LoadedTaskTest, WhatIsPinnedOutlivesFileAndTask) {
  Write("task");
  std::shared_ptr<const TaskWeights> weights;
  {
    const TaskStore store = Load();
    weights = *Find(store, "task")->Pin();
  }
  std::filesystem::remove_all(root_);
  EXPECT_TRUE(SameAdapter(weights->adapter, content_.adapter));
}

TEST_F(LoadedTaskTest, ATaskThatGoesTakesItsWeightsAlong) {
  Write("task");
  { EXPECT_TRUE(Find(Load(), "task")->Pin().ok()); }
  EXPECT_EQ(cache_->counts().bytes, 0);
}

// Such an adapter fails where it answers.
TEST_F(LoadedTaskTest, ANanIsNoRefusalAtLoad) {
  content_.adapter.modules[0][0]->down_bias.fill_(NAN);
  Write("nan");
  const auto weights = Find(Load(), "nan")->Pin();
  ASSERT_TRUE(weights.ok()) << weights.status();
  EXPECT_TRUE(
      std::isnan((*weights)->adapter.module(0, Place::kAttention).down_bias[0].item<float>()));
}

TEST_F(LoadedTaskTest, AThousandFoldersOfOneFileAreOneThousandTasks) {
  constexpr int kTasks = 1000;
  Write("0");
  for (int i = 1; i < kTasks; ++i) {
    const std::filesystem::path folder = root_ / std::to_string(i);
    std::filesystem::create_directory(folder);
    for (const char* name :
         {"adapter_config.json", kAdapterFile, "head_config.json", "model_head.safetensors"}) {
      std::filesystem::create_hard_link(root_ / "0" / name, folder / name);
    }
  }
  const int files_before = testing::CountFiles("/proc/self/fd");
  rlimit limit = {};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const TaskStore store = Load();
  // The files of as many tasks as half of the limit allows are held open.
  const int held = testing::CountFiles("/proc/self/fd") - files_before;
  EXPECT_EQ(held, std::min<int64_t>(2 * kTasks, static_cast<int64_t>(limit.rlim_cur / 2)));
  EXPECT_EQ(store.List().size(), static_cast<size_t>(kTasks));
  EXPECT_EQ(cache_->counts().bytes, 0);
  // No weights in memory, and no file mapped.
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    EXPECT_THAT(line, ::testing::Not(HasSubstr(kAdapterFile)));
  }
  EXPECT_TRUE(Find(store, "0")->Pin().ok());
  EXPECT_TRUE(Find(store, "999")->Pin().ok());
  EXPECT_EQ(cache_->counts().entries, 2);
}

}  // namespace
}  // namespace fathom
