#include "runtime/engine.h"

#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/task/format/adapter_folder.h"
#include "tests/support/random_model.h"

namespace fathom {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const char kEncoder[] = FATHOM_SOURCE_DIR "/tests/golden/data/tiny-a";
const char kTasks[] = FATHOM_SOURCE_DIR "/tests/golden/data/tiny-a/adapters";

std::unique_ptr<Engine> MustCreate(const std::string& tasks_dir) {
  auto engine = CreateEngine(
      {.encoder_dir = kEncoder, .tasks_dir = tasks_dir, .threads = 1, .calibration_dir = "off"});
  EXPECT_TRUE(engine.ok()) << engine.status();
  return *std::move(engine);
}

TEST(CreateEngine, RefusesWhatItCannotServe) {
  struct Case {
    const char* title;
    EngineOptions options;
    absl::StatusCode code;
    const char* says;
  };
  const Case cases[] = {
      {"no encoder", {.encoder_dir = "/nowhere"}, absl::StatusCode::kNotFound, "/nowhere"},
      {"no tasks folder",
       {.encoder_dir = kEncoder, .tasks_dir = "/nowhere", .calibration_dir = "off"},
       absl::StatusCode::kNotFound,
       "/nowhere"},
      {"no such device",
       {.encoder_dir = kEncoder, .device = "tpu"},
       absl::StatusCode::kInvalidArgument,
       "known: cpu, cuda"},
      {"a device of another build",
       {.encoder_dir = kEncoder, .device = "cuda"},
       absl::StatusCode::kUnimplemented,
       "--device cpu"},
  };
  for (const Case& test : cases) {
    const auto engine = CreateEngine(test.options);
    EXPECT_EQ(engine.status().code(), test.code) << test.title << ": " << engine.status();
    EXPECT_THAT(std::string(engine.status().message()), HasSubstr(test.says)) << test.title;
  }
}

TEST(CreateEngine, ServesWithoutTasks) {
  const auto engine = MustCreate("");
  EXPECT_TRUE(engine->ListTasks().empty());
  EXPECT_EQ(engine->FindTask("any", 0).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(engine->encoder().layers, 4);
  EXPECT_EQ(engine->encoder().name, "tiny-a");
}

TEST(Engine, ChecksTokenIds) {
  const auto engine = MustCreate("");
  struct Case {
    const char* title;
    RawTokenIds input;
    const char* says;
  };
  const Case cases[] = {
      {"empty", {}, "empty"},
      {"id too large", {.ids = {1, 100}}, "ids[1] is 100"},
      {"negative id", {.ids = {-1}}, "ids[0] is -1"},
      {"unknown segment", {.ids = {1, 2}, .segment_ids = {0, 2}}, "segment_ids[1] is 2"},
      {"segments of another count", {.ids = {1, 2}, .segment_ids = {0}}, "1 segment_ids"},
      {"too long", {.ids = std::vector<int32_t>(65, 7)}, "limit is 64"},
  };
  for (const Case& test : cases) {
    const auto text = engine->Tokenize(test.input, Truncation::kLongestFirst);
    EXPECT_EQ(text.status().code(), absl::StatusCode::kInvalidArgument) << test.title;
    EXPECT_THAT(std::string(text.status().message()), HasSubstr(test.says)) << test.title;
  }
}

TEST(Engine, ARawEncoderRequestGivesTheClsState) {
  const auto engine = MustCreate("");
  const auto text = engine->Tokenize(RawText{.first = "abc"}, Truncation::kError);
  ASSERT_TRUE(text.ok()) << text.status();
  const PassText pass{.text = &*text, .tasks = {{.task = nullptr}}};
  const auto result = engine->Run({&pass, 1}, {});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->outputs[0][0].logits.size(),
            static_cast<size_t>(engine->encoder().hidden_size));
}

TEST(Engine, WithoutACalibrationPredictsNothing) {
  const auto engine = MustCreate("");
  const auto text = engine->Tokenize(RawText{.first = "abc"}, Truncation::kError);
  ASSERT_TRUE(text.ok()) << text.status();
  const PassText pass{.text = &*text, .tasks = {{.task = nullptr}}};
  EXPECT_EQ(engine->PredictMs({&pass, 1}, 0), 0);
  EXPECT_EQ(engine->PredictPass({&pass, 1}, 1).encoder_ms, 0);
}

// A damaged weight fails its own task; a neighbour on the same text answers as ever.
TEST(Engine, ANanInAnAdapterFailsItsTaskOnly) {
  const std::filesystem::path tasks = std::filesystem::path(testing::TempDir()) / "nan_tasks";
  std::filesystem::remove_all(tasks);
  std::filesystem::create_directories(tasks);
  std::filesystem::copy(std::string(kTasks) + "/pfeiffer", tasks / "good",
                        std::filesystem::copy_options::recursive);
  EncoderConfig config = SmallEncoderConfig();  // the sizes of tiny-a
  AdapterFolder damaged{
      .name = "damaged",
      .adapter = RandomAdapter(PfeifferLayout(config.layers), config.hidden_size, 8, 2),
      .head = RandomHead(config.hidden_size, {"no", "yes"}, 3)};
  damaged.adapter.modules[3][static_cast<size_t>(Place::kFfn)]->down_bias.fill_(NAN);
  ASSERT_TRUE(
      WriteAdapterFolder((tasks / "damaged").string(), damaged, config, {}, WeightDtype::kFp32)
          .ok());

  const auto engine = MustCreate(tasks.string());
  const auto good = engine->FindTask("good", 0);
  const auto bad = engine->FindTask("damaged", 0);
  ASSERT_TRUE(good.ok() && bad.ok()) << good.status() << bad.status();
  const auto text = engine->Tokenize(RawText{.first = "abc"}, Truncation::kError);
  const PassText both{.text = &*text, .tasks = {{.task = bad->get()}, {.task = good->get()}}};
  const PassText alone{.text = &*text, .tasks = {{.task = good->get()}}};
  const auto mixed = engine->Run({&both, 1}, {});
  const auto single = engine->Run({&alone, 1}, {});
  ASSERT_TRUE(mixed.ok() && single.ok());
  EXPECT_EQ(mixed->outputs[0][0].status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(mixed->outputs[0][0].status.message()), HasSubstr("damaged"));
  EXPECT_TRUE(mixed->outputs[0][1].status.ok());
  for (size_t i = 0; i < single->outputs[0][0].logits.size(); ++i) {
    EXPECT_NEAR(mixed->outputs[0][1].logits[i], single->outputs[0][0].logits[i], 1e-4);
  }
  std::filesystem::remove_all(tasks);
}

// Three threads on two workers, one thread each or two ganged, with caches: as one alone.
TEST(Engine, WorkersSideBySideAnswerAsOneAlone) {
  const auto alone = MustCreate(kTasks);
  const auto engine = CreateEngine({.encoder_dir = kEncoder,
                                    .tasks_dir = kTasks,
                                    .threads = 2,
                                    .workers = 2,
                                    .calibration_dir = "off",
                                    .caches = {.tap_bytes = 1 << 20, .answer_bytes = 1 << 16}});
  ASSERT_TRUE(engine.ok()) << engine.status();
  EXPECT_EQ((*engine)->concurrency().passes, 2);
  EXPECT_EQ((*engine)->concurrency().threads, 2);

  const std::string name = alone->ListTasks().front().name;
  std::vector<TokenizedText> texts;
  std::vector<TaskOutput> expected;
  for (const char* written : {"abc", "a b c d", "hello"}) {
    texts.push_back(*alone->Tokenize(RawText{.first = written}, Truncation::kError));
  }
  const auto run = [&](Engine& on, size_t text, int n, int threads) {
    const auto task = on.FindTask(name, 0);
    const PassText pass{.text = &texts[text], .tasks = {{.task = task->get(), .skip_layers = n}}};
    auto result = on.Run({&pass, 1}, {.threads = threads});
    return result.ok() ? result->outputs[0][0] : TaskOutput{.status = result.status()};
  };
  for (size_t text = 0; text < texts.size(); ++text) {
    expected.push_back(run(*alone, text, static_cast<int>(text), 1));
  }
  std::vector<std::thread> callers;
  std::atomic<int> wrong = 0;
  for (int caller = 0; caller < 3; ++caller) {
    callers.emplace_back([&, caller] {
      for (int i = 0; i < 40; ++i) {
        const auto text = static_cast<size_t>(i + caller) % texts.size();
        const TaskOutput output = run(**engine, text, static_cast<int>(text), 1 + i % 2);
        bool same = output.status.ok() && output.logits.size() == expected[text].logits.size();
        for (size_t c = 0; same && c < output.logits.size(); ++c) {
          same = std::abs(output.logits[c] - expected[text].logits[c]) <= 1e-4f;
        }
        if (!same) ++wrong;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT((*engine)->cache_report().answers.hits, 0);
  (*engine)->ClearCaches();
  EXPECT_EQ((*engine)->cache_report().answers.entries, 0);
}

TEST(Engine, AWeightFileThatChangedFailsItsTaskOnly) {
  const std::filesystem::path tasks = std::filesystem::path(testing::TempDir()) / "changed_tasks";
  std::filesystem::remove_all(tasks);
  std::filesystem::create_directories(tasks);
  for (const char* name : {"good", "cut"}) {
    std::filesystem::copy(std::string(kTasks) + "/parallel", tasks / name,
                          std::filesystem::copy_options::recursive);
  }
  const auto engine = MustCreate(tasks.string());
  std::filesystem::resize_file(tasks / "cut" / "adapter.safetensors", 1000);

  const auto good = engine->FindTask("good", 0);
  const auto cut = engine->FindTask("cut", 0);
  ASSERT_TRUE(good.ok() && cut.ok()) << good.status() << cut.status();
  const auto text = engine->Tokenize(RawText{.first = "abc"}, Truncation::kError);
  const PassText pass{.text = &*text, .tasks = {{.task = cut->get()}, {.task = good->get()}}};
  const auto result = engine->Run({&pass, 1}, {});
  ASSERT_TRUE(result.ok()) << result.status();
  const TaskOutput& failed = result->outputs[0][0];
  EXPECT_EQ(failed.status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(failed.status.message()), AllOf(HasSubstr("cut"), HasSubstr("reload")));
  EXPECT_TRUE(failed.logits.empty());
  EXPECT_TRUE(result->outputs[0][1].status.ok());
  EXPECT_FALSE(result->outputs[0][1].logits.empty());
  EXPECT_EQ(engine->cache_report().weights.entries, 1);
  std::filesystem::remove_all(tasks);
}

}  // namespace
}  // namespace fathom
