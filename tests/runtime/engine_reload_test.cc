// Tasks that are loaded, replaced and unloaded while an engine runs passes.
#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <filesystem>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/engine.h"
#include "runtime/task/format/adapter_folder.h"
#include "tests/support/file_testing.h"
#include "tests/support/random_model.h"

namespace fathom {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

const char kEncoder[] = FATHOM_SOURCE_DIR "/tests/golden/data/tiny-a";
constexpr int kVariants = 5;
constexpr const char* kTexts[] = {"abc", "a b c d", "hello"};

class EngineReloadTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = testing::FreshFolder();
    fs::create_directories(root_ / "tasks");
    fs::create_directories(root_ / "variants");
  }
  void TearDown() override { fs::remove_all(root_); }

  // A folder of the tasks', whole at once. Its first label says which variant it is.
  void Write(const std::string& name, int variant, const std::string& fingerprint = "",
             const std::string& tasks = "tasks") const {
    const EncoderConfig config = SmallEncoderConfig();  // the sizes of tiny-a
    const auto seed = static_cast<uint64_t>(100 * variant);
    AdapterFolder content{
        .name = "any",
        .adapter = RandomAdapter(PfeifferLayout(config.layers), config.hidden_size, 8, seed + 1),
        .head = RandomHead(config.hidden_size, {std::to_string(variant), "other"}, seed + 2)};
    if (!fingerprint.empty()) {
      content.training = TrainingRecord{.method = "standard", .encoder_fingerprint = fingerprint};
    }
    const absl::Status status = WriteAdapterFolder((root_ / tasks / name).string(), content, config,
                                                   {}, WeightDtype::kFp32);
    ASSERT_TRUE(status.ok()) << status;
  }

  // Puts a copy of a variant in the place of a task's folder, by renaming.
  void Replace(const std::string& name, int variant) const {
    const fs::path tasks = root_ / "tasks";
    fs::copy(root_ / "variants" / std::to_string(variant), tasks / ".next",
             fs::copy_options::recursive);
    fs::rename(tasks / name, tasks / ".old");
    fs::rename(tasks / ".next", tasks / name);
    fs::remove_all(tasks / ".old");
  }

  // With caches, so that an answer of an older version could come from there.
  std::unique_ptr<Engine> Create(const std::string& tasks = "tasks") const {
    auto engine = CreateEngine({.encoder_dir = kEncoder,
                                .tasks_dir = (root_ / tasks).string(),
                                .threads = 4,
                                .workers = 4,
                                .calibration_dir = "off",
                                .caches = {.tap_bytes = 1 << 20, .answer_bytes = 1 << 20}});
    EXPECT_TRUE(engine.ok()) << engine.status();
    return *std::move(engine);
  }

  static TaskOutput Answer(Engine& engine, const ServableTask* task, const std::string& text) {
    const auto tokens = engine.Tokenize(RawText{.first = text}, Truncation::kError);
    const PassText pass{.text = &*tokens, .tasks = {{.task = task, .skip_layers = 1}}};
    auto result = engine.Run({&pass, 1}, {.threads = 1});
    return result.ok() ? result->outputs[0][0] : TaskOutput{.status = result.status()};
  }

  // What each variant answers to each text, by an engine that never changes.
  void ComputeExpected() {
    for (int variant = 0; variant < kVariants; ++variant) {
      Write(std::to_string(variant), variant, "", "variants");
    }
    const auto engine = Create("variants");
    for (size_t variant = 0; variant < kVariants; ++variant) {
      const auto task = *engine->FindTask(std::to_string(variant), 0);
      for (size_t text = 0; text < std::size(kTexts); ++text) {
        expected_[variant][text] = Answer(*engine, task.get(), kTexts[text]).logits;
      }
    }
  }

  // Whether the answer is that of this variant, and of no other.
  bool IsAnswerOf(size_t variant, size_t text, const TaskOutput& output) const {
    if (!output.status.ok()) return false;
    for (size_t other = 0; other < kVariants; ++other) {
      const std::vector<float>& logits = expected_[other][text];
      float difference = 0;
      for (size_t c = 0; c < logits.size(); ++c) {
        difference = std::max(difference, std::abs(output.logits.at(c) - logits[c]));
      }
      if (other == variant ? difference > 1e-4F : difference < 1e-3F) return false;
    }
    return true;
  }
  static size_t VariantOf(const ServableTask& task) {
    return static_cast<size_t>(std::stoi(task.info().labels[0]));
  }

  fs::path root_;
  std::array<std::array<std::vector<float>, std::size(kTexts)>, kVariants> expected_;
};

TEST_F(EngineReloadTest, AHundredReloadsUnderLoadFailNoCallAndMixNoVersions) {
  constexpr int kReloads = 100;
  ComputeExpected();
  Write("task", 0);
  const auto engine = Create();
  std::atomic<bool> stop = false;
  std::atomic<int> answers = 0;
  std::atomic<int> wrong = 0;
  std::atomic<uint32_t> seen = 0;  // a bit a variant
  std::vector<std::thread> callers;
  for (size_t caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&, caller] {
      for (size_t i = caller; !stop; ++i) {
        const size_t text = i % std::size(kTexts);
        const auto task = engine->FindTask("task", 0);
        if (!task.ok()) {
          ++wrong;
          continue;
        }
        if (i % 7 == 0) std::this_thread::yield();  // now and then it is replaced meanwhile
        const TaskOutput output = Answer(*engine, task->get(), kTexts[text]);
        const size_t variant = VariantOf(**task);
        if (!IsAnswerOf(variant, text, output)) ++wrong;
        seen |= 1U << variant;
        ++answers;
      }
    });
  }
  for (int reload = 1; reload <= kReloads; ++reload) {
    Replace("task", reload % kVariants);
    const auto info = engine->LoadTask("task", 0, {});
    EXPECT_TRUE(info.ok()) << info.status();
  }
  stop = true;
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0) << "of " << answers;
  EXPECT_GT(answers, kReloads);
  EXPECT_GT(std::popcount(seen.load()), 1);
  EXPECT_EQ(engine->task_counts().loads, 1 + kReloads);
  EXPECT_EQ(engine->cache_report().weights.entries, 1) << "old weights go with their last call";
}

TEST_F(EngineReloadTest, CachedAnswersAreOfOneLoadedVersion) {
  ComputeExpected();
  Write("task", 1);
  const auto engine = Create();
  const auto old = *engine->FindTask("task", 0);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(IsAnswerOf(1, 0, Answer(*engine, old.get(), kTexts[0])));
  EXPECT_GT(engine->cache_report().answers.hits, 0);
  Write("task", 2);
  ASSERT_TRUE(engine->LoadTask("task", 0, {}).ok());
  const auto fresh = *engine->FindTask("task", 0);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(IsAnswerOf(2, 0, Answer(*engine, fresh.get(), kTexts[0])));
    EXPECT_TRUE(IsAnswerOf(1, 0, Answer(*engine, old.get(), kTexts[0])));
  }
  ASSERT_TRUE(engine->LoadTask("task", 0, {}).ok());
  EXPECT_NE(*engine->FindTask("task", 0), fresh) << "equal files, another loading";
}

// Its weights are read for the first time when its folder is another one already.
TEST_F(EngineReloadTest, AVersionThatWasReplacedBeforeItWasUsedStillAnswers) {
  ComputeExpected();
  Write("task", 1);
  Write("gone", 3);
  const auto engine = Create();
  const auto old = *engine->FindTask("task", 0);
  const auto gone = *engine->FindTask("gone", 0);
  Write("task", 2);
  fs::remove_all(root_ / "tasks/gone");
  ASSERT_TRUE(engine->UnloadTask("gone", 0).ok());
  EXPECT_TRUE(IsAnswerOf(1, 0, Answer(*engine, old.get(), kTexts[0])));
  EXPECT_TRUE(IsAnswerOf(3, 0, Answer(*engine, gone.get(), kTexts[0])));
  ASSERT_TRUE(engine->LoadTask("task", 0, {}).ok());
  EXPECT_TRUE(IsAnswerOf(2, 0, Answer(*engine, engine->FindTask("task", 0)->get(), kTexts[0])));
}

TEST_F(EngineReloadTest, RefusedFilesAreSaidAndTheOldVersionGoesOn) {
  ComputeExpected();
  Write("task", 1);
  const auto engine = Create();
  Write("task", 2, "0123456789abcdef");
  const absl::Status foreign = engine->LoadTask("task", 0, {}).status();
  EXPECT_EQ(foreign.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(foreign.message()),
              AllOf(HasSubstr("0123456789abcdef"), HasSubstr(engine->encoder().fingerprint),
                    HasSubstr("what was loaded goes on")));
  Write("task", 2);
  fs::resize_file(root_ / "tasks/task/adapter.safetensors", 3000);
  const absl::Status torn = engine->LoadTask("task", 0, {}).status();
  EXPECT_EQ(torn.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(torn.message()), HasSubstr("adapter.safetensors"));

  EXPECT_TRUE(IsAnswerOf(1, 0, Answer(*engine, engine->FindTask("task", 0)->get(), kTexts[0])));
  const std::vector<TaskInfo> listed = engine->ListTasks();
  ASSERT_EQ(listed.size(), 2u);
  EXPECT_TRUE(listed[0].load_status.ok());
  EXPECT_THAT(std::string(listed[1].load_status.message()), HasSubstr("adapter.safetensors"));
  EXPECT_EQ(engine->task_counts().load_failures, 2);

  const LoadTaskOptions validate{.validate_only = true};
  EXPECT_FALSE(engine->LoadTask("task", 0, validate).ok());
  Write("task", 2);
  const auto good = engine->LoadTask("task", 0, validate);
  ASSERT_TRUE(good.ok()) << good.status();
  EXPECT_EQ(good->labels[0], "2");
  EXPECT_EQ(VariantOf(**engine->FindTask("task", 0)), 1u);
  EXPECT_EQ(engine->LoadTask("../variants/1", 0, {}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace fathom
